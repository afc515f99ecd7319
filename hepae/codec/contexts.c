#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif
#include "contexts.h"

#define HALF (1u << 21)
#define NEVER (HALF << 10)    /* a slot that nothing was seen in; stored as 0 */
#define MOST_SEEN 250
#define TREE ((uint64_t)1 << 32)   /* groups of lines: of trees, and of what came last */
#define AGAIN ((uint64_t)2 << 32)
#define LINE 16
#define PAGE ((uintptr_t)1 << 21)

/* 4096 / (1 + exp(-x / 256)) at x = -2048, -1920, … 2048, in between linear. */
static const int16_t SQUASH[33] = {
    1, 2, 4, 6, 10, 17, 27, 45, 74, 120, 194, 311, 488, 747, 1102, 1546, 2048,
    2550, 2994, 3349, 3608, 3785, 3902, 3976, 4022, 4051, 4069, 4079, 4086, 4090, 4092, 4094, 4095,
};
static int16_t squashed[4096], stretched[4096];  /* S(x - 2048); the inverse of S */
static uint64_t part[256];                       /* 2^40 / (2 n + 3), rounded up */
static uint8_t class_of[256];                    /* of how often a slot was seen */

static int squash(int x)
{
    if (x >= 2047) return 4095;
    if (x <= -2047) return 1;
    int k = (x + 2048) >> 7, part = (x + 2048) & 127;
    return (SQUASH[k] * (128 - part) + SQUASH[k + 1] * part + 64) >> 7;
}

void prepare_contexts(void)
{
    int from = 0;
    for (int x = -2048; x < 2048; x++) squashed[x + 2048] = (int16_t)squash(x);
    for (int x = -2047; x <= 2047; x++)
        for (int p = squash(x); from <= p; from++) stretched[from] = (int16_t)x;
    for (int n = 0; n < 256; n++) {
        part[n] = ((uint64_t)1 << 40) / (uint64_t)(2 * n + 3) + 1;
        class_of[n] = n == 0 ? 0 : n < 4 ? 1 : n < 32 ? 2 : 3;
    }
}

/* Slots in large pages, where there are some: they are looked at in no order. */
static int make_slots(Coder *c)
{
    size_t size = sizeof *c->slots << SLOT_BITS;
    c->memory = malloc(size + PAGE);
    if (!c->memory) return 1;
    c->slots = (uint32_t *)(((uintptr_t)c->memory + PAGE - 1) & ~(PAGE - 1));
#ifdef MADV_HUGEPAGE
    madvise(c->slots, size, MADV_HUGEPAGE);
#endif
    memset(c->slots, 0, size);
    return 0;
}

int start_coder(Coder *c, int decoding, uint8_t *stream, int64_t size)
{
    *c = (Coder){.decoding = decoding, .high = 0xffffffffu, .stream = stream, .size = size, .end = size};
    c->weights = malloc(sizeof *c->weights * KINDS * 64);
    c->last = calloc((size_t)1 << LAST_BITS, sizeof *c->last);
    if (make_slots(c) || !c->weights || !c->last) return 1;
    for (int k = 0; k < KINDS * 64; k++)
        for (int j = 0; j < CONTEXTS; j++) c->weights[k][j] = (1 << 16) * 2 / 5;
    if (decoding)
        for (int k = 0; k < 4; k++) c->window = c->window << 8 | (c->at < size ? stream[c->at] : 0), c->at++;
    return 0;
}

/* Encoding: the last bytes; the bits at the end move up to them. */
static int64_t closed(Coder *c)
{
    for (int k = 0; k < 4; k++) {
        if (c->at < c->end) c->stream[c->at] = (uint8_t)(c->low >> 24);
        c->at++, c->low <<= 8;
    }
    if (c->resting) code_bits(c, 8 - c->resting, 0);
    if (c->at > c->end) return -1;
    memmove(c->stream + c->at, c->stream + c->end, (size_t)(c->size - c->end));
    return c->at + c->size - c->end;
}

int64_t end_coder(Coder *c)
{
    int64_t found = c->wrong && !c->decoding ? -3 : -1;
    if (!c->decoding && !c->wrong) found = closed(c);
    else if (c->at == c->end && !c->wrong) found = c->size;
    free(c->memory);
    free(c->last);
    free(c->weights);
    return found;
}

/* One bit with a probability of 1 of p / 4096. */
static int code_bit(Coder *c, int p, int bit)
{
    uint32_t middle = c->low + (uint32_t)((uint64_t)(c->high - c->low) * (uint32_t)p >> 12);
    if (c->decoding) bit = c->window <= middle;
    if (bit) c->high = middle;
    else c->low = middle + 1;
    while (!((c->low ^ c->high) >> 24)) {
        if (c->decoding) c->window = c->window << 8 | (c->at < c->end ? c->stream[c->at] : 0);
        else if (c->at < c->end) c->stream[c->at] = (uint8_t)(c->high >> 24);
        c->at++;
        c->low <<= 8;
        c->high = c->high << 8 | 255;
    }
    return bit;
}

static uint64_t mixed(uint64_t x)
{
    x = (x ^ x >> 32) * 0x9E3779B97F4A7C15u;
    return x ^ x >> 29;
}

/* What is known of a number: what its contexts hash to, and the lines of slots at hand. */
typedef struct { int kind; uint64_t hash[CONTEXTS]; uint32_t *line[CONTEXTS]; } Known;

static inline void begin(Known *x, int kind, const uint64_t context[CONTEXTS])
{
    x->kind = kind;
    for (int k = 0; k < CONTEXTS; k++) x->hash[k] = mixed(context[k] * 128 + (uint64_t)(kind * CONTEXTS + k));
}

static inline void lines(const Coder *c, Known *x, uint64_t group)
{
    for (int k = 0; k < CONTEXTS; k++)
        x->line[k] = c->slots + (mixed(x->hash[k] + group) >> (68 - SLOT_BITS)) * LINE;
}

/* One bit: the one at a place (0 … 15) of the lines at hand. */
static inline int code_node(Coder *c, const Known *x, int place, int bit)
{
    int input[CONTEXTS], set = x->kind;
    int64_t sum = 0;
    for (int k = 0; k < CONTEXTS; k++) {
        uint32_t slot = x->line[k][place] ^ NEVER;
        input[k] = stretched[slot >> 20];
        set = set * 4 + class_of[slot & 255];
    }
    int32_t *weight = c->weights[set];
    for (int k = 0; k < CONTEXTS; k++) sum += (int64_t)weight[k] * input[k];
    sum >>= 16;
    int p = squashed[(sum < -2048 ? -2048 : sum > 2047 ? 2047 : sum) + 2048];
    bit = code_bit(c, p, bit);
    int error = ((bit << 12) - p) * 10;
    for (int k = 0; k < CONTEXTS; k++) {
        weight[k] += (input[k] * error + 0x4000) >> 15;
        uint32_t slot = x->line[k][place] ^ NEVER, n = slot & 255, at = slot >> 10;
        uint32_t gap = bit ? (1u << 22) - 1 - at : at, step = (uint32_t)(gap * 2 * part[n] >> 40);
        at = bit ? at + step : at - step;
        x->line[k][place] = (at << 10 | (n < MOST_SEEN ? n + 1 : n)) ^ NEVER;
    }
    return bit;
}

/* Bits, the highest first; four share a line, of which the first one may be at hand. */
static inline uint64_t code_tree(Coder *c, Known *x, uint64_t group, int count, uint64_t value, int at_hand)
{
    uint64_t m = 1;
    for (int left = count; left > 0; at_hand = 0) {
        int some = left < 4 ? left : 4;
        unsigned at = 1;
        if (!at_hand) lines(c, x, group + m);
        for (int k = 0; k < some; k++) at = at * 2 + (unsigned)code_node(c, x, (int)at, value >> --left & 1);
        m = m << some | (at & ((1u << some) - 1));
    }
    return m ^ (uint64_t)1 << count;
}

/* 0, 1 and 2 one by one; then by how many bits there are, the smallest of them in the first line. */
static int64_t number(Coder *c, Known *x, int64_t value)
{
    if (!c->decoding && (value < 0 || value >= ((int64_t)1 << LONGEST) + 2)) { c->wrong = 1; return 0; }
    lines(c, x, 0);
    for (int few = 0; few < 3; few++) if (!code_node(c, x, few, value > few)) return few;
    int64_t n = value - 2;
    int length = 0, found = 0;
    if (!c->decoding) while (n >> length > 1) length++;
    while (found < LONGEST) {
        if (found > 7 && found % 16 == 8) lines(c, x, (uint64_t)(found + 8) / 16);
        if (!code_node(c, x, found < 8 ? 3 + found : (found + 8) % 16, length > found)) break;
        found++;
    }
    if (found == LONGEST) { c->wrong = 1; return 0; }
    if (found == 0) return 3;
    if (found == 1) return 4 + code_node(c, x, 11, n & 1);
    if (found == 2) {
        int high = code_node(c, x, 12, n >> 1 & 1);
        return 6 + 2 * high + code_node(c, x, 13 + high, n & 1);
    }
    int shown = found < 12 ? found : 12, rest = found - shown;
    uint64_t m = (uint64_t)1 << shown | code_tree(c, x, (uint64_t)found << 16, shown, (uint64_t)n >> rest, 0);
    m = m << rest | code_bits(c, rest, (uint64_t)n);
    return (int64_t)m + 2;
}

int64_t code_number(Coder *c, int kind, const uint64_t context[CONTEXTS], int64_t value)
{
    Known x;
    begin(&x, kind, context);
    return number(c, &x, value);
}

/* A tree of some bits; its last leaf is followed by what is more. */
static inline int64_t small(Coder *c, Known *x, int bits, int64_t value)
{
    if (value < 0) { c->wrong = 1; return 0; }
    int64_t most = (1 << bits) - 1, low = value > most ? most : value;
    low = (int64_t)code_tree(c, x, TREE, bits, (uint64_t)low, 0);
    return low < most ? low : most + number(c, x, value - most);
}

int64_t code_small(Coder *c, int kind, const uint64_t context[CONTEXTS], int bits, int64_t value)
{
    Known x;
    begin(&x, kind, context);
    return small(c, &x, bits, value);
}

/* Is it what came last in the second context?  If not, as a small one. */
int64_t code_again(Coder *c, int kind, const uint64_t context[CONTEXTS], int bits, int64_t value)
{
    Known x;
    begin(&x, kind, context);
    uint16_t *last = c->last + (x.hash[1] >> (64 - LAST_BITS));
    if (*last) lines(c, &x, AGAIN + *last);
    if (*last && code_node(c, &x, 0, value == *last - 1)) return *last - 1;
    int64_t found = small(c, &x, bits, value);
    *last = (uint16_t)(found < 65535 ? found + 1 : 0);
    return found;
}

/* A tree of some bits. */
uint64_t code_leaf(Coder *c, int kind, const uint64_t context[CONTEXTS], int bits, uint64_t value)
{
    Known x;
    begin(&x, kind, context);
    return code_tree(c, &x, TREE, bits, value, 0);
}

/* How many bits a number has: 0, or a leaf of a tree. */
static int64_t code_length(Coder *c, Known *x, int bits, uint64_t m)
{
    int64_t length = 0, most = (1 << bits) - 1, low;
    if (!c->decoding) while (length < 64 && m >> length) length++;
    lines(c, x, TREE + 1);
    if (!code_node(c, x, 0, length > 0)) return 0;
    low = length > most ? most : length - 1;
    low = (int64_t)code_tree(c, x, TREE, bits, (uint64_t)low, 1);
    if (bits < 6 && low == most) low = most + number(c, x, length - 1 - most);
    if (low > 63) { c->wrong = 1; return 0; }
    return 1 + low;
}

static uint64_t few_bits(Coder *c, int count, uint64_t value)
{
    if (!c->decoding) {
        c->rest = c->rest << count | (value & (((uint64_t)1 << count) - 1));
        for (c->resting += count; c->resting >= 8; c->resting -= 8)
            if (--c->end >= 0) c->stream[c->end] = (uint8_t)(c->rest >> (c->resting - 8));
        return value;
    }
    for (; c->resting < count; c->resting += 8) {
        c->end--;
        c->rest = c->rest << 8 | (c->end >= 0 ? c->stream[c->end] : 0);
    }
    c->resting -= count;
    return c->rest >> c->resting & (((uint64_t)1 << count) - 1);
}

uint64_t code_bits(Coder *c, int count, uint64_t value)
{
    if (count <= 32) return few_bits(c, count, value) & (((uint64_t)1 << count) - 1);
    uint64_t upper = few_bits(c, count - 32, value >> 32) & (((uint64_t)1 << (count - 32)) - 1);
    return upper << 32 | (few_bits(c, 32, value) & 0xffffffffu);
}

/* Any number: how many bits it has, its sign and two bits after the first, the rest. */
int64_t code_wide(Coder *c, int kind, const uint64_t context[CONTEXTS], int64_t value)
{
    uint64_t sized[CONTEXTS], m = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    Known x;
    begin(&x, kind, context);
    int length = (int)code_length(c, &x, 4, m);
    if (!length) return 0;
    for (int k = 0; k < CONTEXTS; k++) sized[k] = context[k] * 65 + (uint64_t)length;
    int shown = length > 3 ? 2 : length - 1, rest = length - 1 - shown;
    uint64_t top = (uint64_t)(value < 0) << shown | (m >> rest & ((1u << shown) - 1));
    top = code_leaf(c, kind + 1, sized, shown + 1, top);
    m = ((uint64_t)1 << shown | (top & ((1u << shown) - 1))) << rest | code_bits(c, rest, m);
    return (int64_t)(top >> shown ? 0 - m : m);
}

/* The same, but only the number of bits has contexts. */
int64_t code_rough(Coder *c, int kind, const uint64_t context[CONTEXTS], int64_t value)
{
    uint64_t m = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    Known x;
    begin(&x, kind, context);
    int length = (int)code_length(c, &x, 6, m);
    if (!length) return 0;
    uint64_t sign = code_bits(c, 1, value < 0);
    m = (uint64_t)1 << (length - 1) | code_bits(c, length - 1, m);
    return (int64_t)(sign ? 0 - m : m);
}
