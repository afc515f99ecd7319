#include <stdlib.h>
#include <string.h>
#include "contexts.h"

#define HALF (1u << 21)
#define MOST_SEEN 250

/* 4096 / (1 + exp(-x / 256)) at x = -2048, -1920, … 2048, in between linear. */
static const int16_t SQUASH[33] = {
    1, 2, 4, 6, 10, 17, 27, 45, 74, 120, 194, 311, 488, 747, 1102, 1546, 2048,
    2550, 2994, 3349, 3608, 3785, 3902, 3976, 4022, 4051, 4069, 4079, 4086, 4090, 4092, 4094, 4095,
};
static int16_t stretched[4096];  /* the inverse of squash */

static int squash(int x)
{
    if (x >= 2047) return 4095;
    if (x <= -2047) return 1;
    int k = (x + 2048) >> 7, part = (x + 2048) & 127;
    return (SQUASH[k] * (128 - part) + SQUASH[k + 1] * part + 64) >> 7;
}

static void fill_stretched(void)
{
    int from = 0;
    for (int x = -2047; x <= 2047; x++) {
        int p = squash(x);
        for (; from <= p; from++) stretched[from] = (int16_t)x;
    }
    for (; from < 4096; from++) stretched[from] = 2047;
}

int start_coder(Coder *c, int decoding, uint8_t *stream, int64_t size)
{
    *c = (Coder){.decoding = decoding, .high = 0xffffffffu, .stream = stream, .size = size, .end = size};
    c->slots = malloc(sizeof(uint32_t) << SLOT_BITS);
    c->weights = malloc(sizeof *c->weights * KINDS * 64);
    if (!c->slots || !c->weights) return 1;
    if (!stretched[4095]) fill_stretched();
    for (int64_t k = 0; k < (int64_t)1 << SLOT_BITS; k++) c->slots[k] = HALF << 10;
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
    free(c->slots);
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

static int seen_class(uint32_t n) { return n == 0 ? 0 : n < 4 ? 1 : n < 32 ? 2 : 3; }

/* One bit of a number; `group` and `place` (0 … 7) tell which, given the bits before. */
static int code_node(Coder *c, int kind, const uint64_t hash[CONTEXTS], uint64_t group, int place, int bit)
{
    uint32_t *slot[CONTEXTS];
    int input[CONTEXTS], set = kind;
    int64_t sum = 0;
    for (int k = 0; k < CONTEXTS; k++) {
        slot[k] = c->slots + (mixed(hash[k] + group) >> (67 - SLOT_BITS)) * 8 + place;
        uint32_t n = *slot[k] & 1023;
        input[k] = n ? stretched[*slot[k] >> 20] : 0;
        set = set * 4 + seen_class(n);
    }
    int32_t *weight = c->weights[set];
    for (int k = 0; k < CONTEXTS; k++) sum += (int64_t)weight[k] * input[k];
    int p = squash((int)(sum >> 16 < -4000 ? -4000 : sum >> 16 > 4000 ? 4000 : sum >> 16));
    bit = code_bit(c, p, bit);
    int error = ((bit << 12) - p) * 10;
    for (int k = 0; k < CONTEXTS; k++) {
        weight[k] += (input[k] * error + 0x4000) >> 15;
        uint32_t n = *slot[k] & 1023, at = *slot[k] >> 10;
        int32_t step = ((int32_t)(bit ? (1 << 22) - 1 : 0) - (int32_t)at) * 2 / (int32_t)(2 * n + 3);
        *slot[k] = (uint32_t)((int32_t)at + step) << 10 | (n < MOST_SEEN ? n + 1 : n);
    }
    return bit;
}

int64_t code_number(Coder *c, int kind, const uint64_t context[CONTEXTS], int64_t value)
{
    uint64_t hash[CONTEXTS];
    for (int k = 0; k < CONTEXTS; k++) hash[k] = mixed(context[k] * 128 + (uint64_t)(kind * CONTEXTS + k));
    int64_t n = value + 1;
    int length = 0;
    if (!c->decoding && (value < 0 || value >= ((int64_t)1 << LONGEST) - 1)) { c->wrong = 1; return 0; }
    if (!c->decoding) while (n >> length > 1) length++;
    int found = 0;
    while (found < LONGEST && code_node(c, kind, hash, (uint64_t)found / 8, found % 8, length > found)) found++;
    if (found == LONGEST) c->wrong = 1;
    uint64_t m = 1;
    int shown = found < 12 ? found : 12;
    for (int k = 0; k < shown; k++) {  /* three bits share a group */
        int deep = k % 3;
        uint64_t group = (uint64_t)(found + 1) << 16 | m >> deep;
        int place = (1 << deep) - 1 + (int)(m & ((1u << deep) - 1));
        m = m << 1 | (uint64_t)code_node(c, kind, hash, group, place, n >> (found - 1 - k) & 1);
    }
    m = m << (found - shown) | code_bits(c, found - shown, (uint64_t)n);
    return (int64_t)m - 1;
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

/* Any number: how many bits it has, its sign, its bits but the first. */
int64_t code_wide(Coder *c, int kind, const uint64_t context[CONTEXTS], int64_t value)
{
    uint64_t sized[CONTEXTS], m = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    int64_t length = 0;
    if (!c->decoding) while (length < 64 && m >> length) length++;
    length = code_number(c, kind, context, length);
    if (length > 64) { c->wrong = 1; return 0; }
    if (!length) return 0;
    for (int k = 0; k < CONTEXTS; k++) sized[k] = context[k] * 65 + (uint64_t)length;
    uint64_t top = 0;
    int shown = length > 3 ? 2 : (int)length - 1, rest = (int)length - 1 - shown;
    if (!c->decoding) top = (uint64_t)(value < 0) | (m >> rest & ((1u << shown) - 1)) << 1;
    top = (uint64_t)code_number(c, kind + 1, sized, (int64_t)top);
    if (top >> (shown + 1)) { c->wrong = 1; return 0; }
    m = ((uint64_t)1 << shown | top >> 1) << rest | code_bits(c, rest, m);
    return (int64_t)(top & 1 ? 0 - m : m);
}
