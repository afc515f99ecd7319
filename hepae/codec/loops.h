/* What loops.c, coding.c and rows.c share. */

#ifndef HEPAE_LOOPS_H
#define HEPAE_LOOPS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#elif defined(__GNUC__)
#define EXPORT __attribute__((visibility("default")))
#else
#define EXPORT
#endif

enum { PRECISION = 24, FIRSTS = 13 };

/* a / b for a >= 0, b > 0 and a quotient below 2**31: a division of floats is faster, and at most 1 off. */
static inline int64_t quotient(int64_t a, int64_t b)
{
    if (b <= 0) return 0; /* only where a file lies about its counts */
    int64_t q = (int64_t)((double)a / (double)b), rest = a - q * b;
    return rest < 0 ? q - 1 : rest >= b ? q + 1 : q;
}

/* The same with 1.0 / b, for many a. */
static inline int64_t quotient_by(int64_t a, int64_t b, double inverse)
{
    if (b <= 0) return 0;
    int64_t q = (int64_t)((double)a * inverse), rest = a - q * b;
    return rest < 0 ? q - 1 : rest >= b ? q + 1 : q;
}

/* a / b, rounded down, for b > 0. */
static inline int64_t floored(int64_t a, int64_t b) { return b <= 0 ? 0 : a / b - (a % b < 0); }

static inline int64_t within(int64_t x, int64_t least, int64_t most) { return x < least ? least : x > most ? most : x; }

/* Called with the frequencies of a context. */
typedef void (*Visit)(void *whose, int64_t context, const int64_t *frequencies);

/* How often each symbol came in each of 2**levels contexts, in pairs of them, …, in all: NULL without memory. */
int32_t *new_counts(int levels, int64_t size);
void count(int32_t *counts, int levels, int64_t size, const int64_t *contexts, const int64_t *symbols, int64_t n);

/* Make the tables of the wanted contexts, in order; 1 if there is no memory for that, else 0. */
int each_table(const int32_t *counts, int levels, int64_t size, int64_t specials, int64_t strength,
               const uint8_t *wanted, Visit visit, void *whose);

/* Words of a range coder, and bits in a row; `failed` if there was no memory. From `low` on, `width` wide, lies what the
   words after the first `sure` ones may say for the same symbols. */
typedef struct {
    uint32_t *words;
    int64_t many_words, room_for_words;
    uint8_t *bits;
    int64_t many_bits, room_for_bits;
    int64_t failed, sure;
    uint64_t low, width;
} Output;

/* A range encoder: what is sure is in `output`; words that a carry may still change are counted. */
typedef struct {
    uint64_t low, width;
    int64_t pending;
    uint32_t first_pending;
    Output *output;
} Encoder;

typedef struct {
    uint64_t low, width, point;
    const uint32_t *words;
    int64_t many, at;
} Decoder;

void begin_encoding(Encoder *e, Output *output);
void encode_symbol(Encoder *e, uint64_t before, uint64_t frequency);
void end_encoding(Encoder *e);
void begin_decoding(Decoder *d, const uint32_t *words, int64_t many);

/* After the end there are zeros. */
static inline uint64_t next_word(Decoder *d) { return d->at < d->many ? d->words[d->at++] : 0; }

/* Frequencies added up, of `size` symbols. `firsts`: where to begin for each upper part of a place, or NULL; `likely`:
   a symbol that is more likely than all others together, or -1. */
typedef struct {
    const uint32_t *before;
    int64_t size, likely;
    const uint16_t *firsts;
} Symbols;

/* Which symbol has a place: the last one before whose frequencies there are no more than that. */
static inline int64_t symbol_at(uint64_t place, const Symbols *s)
{
    const uint32_t *before = s->before;
    int64_t first = s->likely;
    if (first >= 0 && before[first] <= place && place < before[first + 1]) return first;
    if (s->firsts) {
        for (first = s->firsts[place >> FIRSTS]; before[first + 1] <= place;) first++;
        return first;
    }
    first = 0;
    for (int64_t left = s->size; left > 1; left -= left >> 1) /* without a branch that nobody can foretell */
        first += before[first + (left >> 1)] <= place ? left >> 1 : 0;
    return first;
}

/* The symbol that comes next; -1 if the stream is damaged. */
static inline int64_t decode_symbol(Decoder *d, const Symbols *s)
{
    uint64_t scale = d->width >> PRECISION, place = (d->point - d->low) / scale;
    if (place >> PRECISION) return -1;
    int64_t symbol = symbol_at(place, s);
    const uint32_t *before = s->before;
    d->low += scale * before[symbol];
    d->width = scale * (before[symbol + 1] - before[symbol]);
    while (d->width < (uint64_t)1 << 32) {
        d->low <<= 32;
        d->width <<= 32;
        d->point = d->point << 32 | next_word(d);
    }
    return symbol;
}

/* Low bits of numbers, one after the other. */
void write_bits(Output *output, uint64_t value, int64_t width);
uint64_t read_bits(const uint8_t *bits, int64_t bytes, int64_t at, int64_t width);

#endif
