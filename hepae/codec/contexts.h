/* Numbers coded bit by bit: each bit's probability is mixed from what several contexts have seen. */
#ifndef HEPAE_CONTEXTS_H
#define HEPAE_CONTEXTS_H
#include <stdint.h>
#include "loops.h"

#define CONTEXTS 3            /* that predict each bit */
#define SLOT_BITS 22          /* of the table of what contexts have seen */
#define KINDS 32              /* of numbers, each with weights of its own */
#define LONGEST 40            /* bits of a number, at most */
#define LAST_BITS 16          /* of the table of what came last in contexts */

typedef struct {
    int decoding, wrong;      /* wrong: the stream ends early, or says what cannot be */
    uint32_t low, high, window;
    uint8_t *stream;
    int64_t size, at;
    int64_t end;              /* where the bits begin of which nothing is known: they stand at the end, backwards */
    uint64_t rest;            /* bits on their way there, or from there */
    int resting;
    uint32_t *slots;          /* probability of a 1 (22 bits), how often it was seen (10 bits); 16 make a line */
    uint16_t *last;           /* the number that came last, and 1; 0: none */
    int32_t (*weights)[CONTEXTS];
    void *memory;             /* of the slots */
} Coder;

void prepare_contexts(void);  /* before anything else */
int start_coder(Coder *c, int decoding, uint8_t *stream, int64_t size);
int64_t end_coder(Coder *c);  /* bytes of the stream; -1: it is too short, or wrong; -3: numbers cannot be coded */

/* Numbers from 0 on: any; mostly less than 2^bits - 1; mostly what came last in the second context; below 2^bits. */
int64_t code_number(Coder *c, int kind, const uint64_t context[CONTEXTS], int64_t value);
int64_t code_small(Coder *c, int kind, const uint64_t context[CONTEXTS], int bits, int64_t value);
int64_t code_again(Coder *c, int kind, const uint64_t context[CONTEXTS], int bits, int64_t value);
uint64_t code_leaf(Coder *c, int kind, const uint64_t context[CONTEXTS], int bits, uint64_t value);

/* Any integer: with contexts for the upper bits, too, which takes two kinds; or only for how many bits it has. */
int64_t code_wide(Coder *c, int kind, const uint64_t context[CONTEXTS], int64_t value);
int64_t code_rough(Coder *c, int kind, const uint64_t context[CONTEXTS], int64_t value);
uint64_t code_bits(Coder *c, int count, uint64_t value);  /* of which nothing is known */

/* Several numbers as one context. */
static inline uint64_t of(uint64_t a, uint64_t b) { return a * 0x100000001B3u + b + 1; }
static inline uint64_t of3(uint64_t a, uint64_t b, uint64_t c) { return of(of(a, b), c); }

/* Any number as one from 0 on: 0, -1, 1, -2, … */
static inline uint64_t folded(int64_t x) { return x < 0 ? 2 * ~(uint64_t)x + 1 : 2 * (uint64_t)x; }
static inline int64_t unfolded(uint64_t x) { return x & 1 ? (int64_t)~(x >> 1) : (int64_t)(x >> 1); }
#endif
