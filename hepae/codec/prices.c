/* What a plan costs, which a planner asks thousands of times: tables of probabilities in floats.

   hepae/codec/plan_costs.py says the same in numpy, with the integers of loops.c; tests hold the two against each
   other. Rows are in the order of their contexts, so that those of a coarser context follow each other. */

#include "plan.h"

#include <math.h>

enum { MOST_LEVELS = 10, MOST_CONTEXTS = 1 << MOST_LEVELS };

/* Rows in the order of their contexts: their symbols, and where each context starts. */
typedef struct {
    int32_t *symbols;
    int64_t *start;
} Sorted;

/* What a context has: counts of special symbols and a tree of those of bins; masses made of them; which share of a
   node's mass is on the left, at most `most` of it. The last two have a row for each level of contexts. */
typedef struct {
    int64_t specials, bins, half;
    float *counts, *went, *weights, *has, *most, *tree;
    float *mass, *share;
} Floats;

static float inside(float x, float least, float most) { return x < least ? least : x > most ? most : x; }

/* Trees of 2n numbers, as in loops.c: node i has the halves 2i and 2i + 1. */
static void add_halves(float *tree, int64_t half)
{
    for (int64_t first = half / 2; first; first /= 2)
        for (int64_t i = first; i < 2 * first; i++) tree[i] = tree[2 * i] + tree[2 * i + 1];
}

static void deal_out(float *tree, const float *share, int64_t first)
{
    for (int64_t i = first; i < 2 * first; i++) {
        tree[2 * i] = tree[i] * share[i];
        tree[2 * i + 1] = tree[i] - tree[2 * i];
    }
}

/* Count the symbols of rows first … end − 1 of those that are learned from. */
static void count_floats(Floats *t, const Sorted *learned, int64_t first, int64_t end)
{
    memset(t->counts, 0, sizeof(float) * (t->specials + t->half));
    for (int64_t i = first; i < end; i++) t->counts[learned->symbols[i]]++;
    memcpy(t->went + t->half, t->counts + t->specials, sizeof(float) * t->half);
    add_halves(t->went, t->half);
}

/* Without a context. */
static void first_floats(Floats *t, float n)
{
    const float steepest = 22938.f / 65536;
    float left = 1, *tree = t->tree;
    for (int64_t s = 0; s < t->specials; s++)
        left -= t->mass[s] = (1024 * t->counts[s] + 1) / (1024 * (n + 1) + (float)t->specials);
    tree[1] = left;
    for (int64_t first = 1; first < t->half; first *= 2) {
        float weight = 2 * (float)first;
        for (int64_t i = first; i < 2 * first; i++) {
            const float *has = t->has;
            float share = has[i] > 0 ? has[2 * i] / has[i] : 1;
            if (i > first && i < 2 * first - 1 && has[i - 1] == has[i] && has[i + 1] == has[i] && tree[i] > 0)
                share += inside((tree[i - 1] - tree[i + 1]) / (16 * tree[i]), -steepest, steepest);
            share = (t->went[2 * i] + weight * share) / (t->went[i] + weight);
            t->share[i] = has[2 * i + 1] > 0 ? inside(share, 1.f / 65536, t->most[i]) : 1;
        }
        deal_out(tree, t->share, first);
    }
}

/* Of a context of n rows, which leans on the coarser one, a level above. */
static void refine_floats(Floats *t, int64_t level, float n)
{
    const float *above = t->mass + (level - 1) * t->specials, *expected = t->share + (level - 1) * t->half;
    float *mass = t->mass + level * t->specials, *share = t->share + level * t->half;
    float strength = t->weights[1], all = 1 / (n + strength);
    for (int64_t s = 0; s < t->specials; s++) mass[s] = (t->counts[s] + strength * above[s]) * all;
    for (int64_t i = 1; i < t->half; i++) {
        float x = (t->went[2 * i] + t->weights[i] * expected[i]) / (t->went[i] + t->weights[i]);
        share[i] = inside(x, 1.f / 65536, t->most[i]);
    }
}

/* Frequencies of a context's symbols, as shares of all, in `counts`. */
static void finish_floats(Floats *t, int64_t level)
{
    const float *mass = t->mass + level * t->specials, *share = t->share + level * t->half;
    float least = 1.f / (1 << PRECISION), whole = 1 - (float)(t->specials + t->bins) * least, left = 1;
    for (int64_t s = 0; s < t->specials; s++) left -= mass[s];
    t->tree[1] = left > 0 ? left : 0;
    for (int64_t first = 1; first < t->half; first *= 2) deal_out(t->tree, share, first);
    for (int64_t s = 0; s < t->specials; s++) t->counts[s] = mass[s] * whole + least;
    for (int64_t k = 0; k < t->half; k++) t->counts[t->specials + k] = t->tree[t->half + k] * whole + least;
}

/* Bits of the rows first … end − 1 of those that are not learned from. */
static double bits_of(const Floats *t, const Sorted *priced, int64_t first, int64_t end)
{
    double product = 1, bits = 0;
    for (int64_t i = first; i < end; i++) {
        product *= t->counts[priced->symbols[i]];
        if ((i - first) % 32 != 31) continue; /* 32 of them are no less than 2^-768 */
        bits -= log2(product);
        product = 1;
    }
    return bits - log2(product);
}

/* Bits of all contexts' rows. */
static double bits_of_all(Floats *t, int64_t levels, const Sorted *learned, const Sorted *priced)
{
    int64_t contexts = (int64_t)1 << levels, before = contexts;
    double bits = 0;
    for (int64_t c = 0; c < contexts; c++) {
        if (priced->start[c] == priced->start[c + 1]) continue;
        for (int64_t level = 1; level <= levels; level++) {
            int64_t rest = levels - level, wide = c >> rest;
            if (wide == before >> rest) continue; /* the coarser context of the one before */
            int64_t first = learned->start[wide << rest], end = learned->start[(wide + 1) << rest];
            count_floats(t, learned, first, end);
            refine_floats(t, level, (float)(end - first));
        }
        finish_floats(t, levels);
        bits += bits_of(t, priced, priced->start[c], priced->start[c + 1]);
        before = c;
    }
    return bits;
}

/* Memory, and how many bins each node has. */
static float *set_up(Floats *t, const Plan *p)
{
    *t = (Floats){.specials = p->specials, .bins = p->count, .half = 1};
    while (t->half < t->bins) t->half *= 2;
    int64_t half = t->half, rows = MOST_LEVELS + 1;
    float *memory = calloc(t->specials + 10 * half + rows * (t->specials + half), sizeof *memory);
    if (!memory) return NULL;
    t->counts = memory;
    t->went = t->counts + t->specials + half;
    t->has = t->went + 2 * half;
    t->tree = t->has + 2 * half;
    t->weights = t->tree + 2 * half;
    t->most = t->weights + half + 1;
    t->mass = t->most + half;
    t->share = t->mass + rows * t->specials;
    for (int64_t s = 0; s < t->bins; s++) t->has[half + s] = 1;
    add_halves(t->has, half);
    for (int64_t i = 1; i < half; i++) t->most[i] = t->has[2 * i + 1] > 0 ? 65535.f / 65536 : 1;
    return memory;
}

/* Weights of the coarser context: more, the deeper a node is. */
static void set_weights(Floats *t, int64_t strength)
{
    t->weights[1] = (float)strength;
    for (int64_t first = 1; first < t->half; first *= 2, strength = strength * 3 / 2 + 1)
        for (int64_t i = first; i < 2 * first; i++) t->weights[i] = (float)strength;
}

/* What plans share that differ in ranges and strength alone: symbols of the rows; numbers of ranges, RANGE_BITS or
   more, of which coarser ranges are the upper bits. */
enum { RANGE_BITS = 7, MOST_KEPT = 2 * MOST_LEVELS };

typedef struct {
    const Table *t;
    int64_t n, many;
    const int64_t *shift;
    int32_t *symbols, *sorted;
    uint16_t *contexts, *numbers; /* (n,), and (n,) for each of the ranges kept */
    int64_t kept[MOST_KEPT][4];
} Shared;

static int make_shared(Shared *s)
{
    size_t n = (size_t)s->n;
    s->symbols = malloc((n + 1) * (2 * sizeof *s->symbols + (1 + MOST_KEPT) * sizeof *s->contexts));
    if (!s->symbols) return NO_MEMORY;
    s->sorted = s->symbols + n;
    s->contexts = (uint16_t *)(s->sorted + n);
    s->numbers = s->contexts + n;
    return 0;
}

/* Symbols of all rows; bits a row of what symbols leave out, escapes with 32 more. */
static double find_symbols(const Plan *p, const Shared *s, const int64_t *q, const uint8_t *escapes)
{
    uint64_t rest;
    int64_t f, bits = 0;
    const int64_t *same = NULL;
    for (int64_t k = 0; k < s->t->many && p->same != NO_SAME; k++)
        if (s->t->names[k] == p->same) same = s->t->lists[k];
    for (int64_t i = 0; i < s->n; i++) {
        int64_t symbol;
        if (escapes[i] || breaks(p, q[i])) symbol = 0;
        else if ((f = which_frequent(p, q[i] >> p->zeros)) >= 0) symbol = 1 + f;
        else if (same && q[i] >> p->zeros == same[i] >> p->zeros) symbol = p->first_tail - 1;
        else symbol = symbol_of(p, residual(p, q[i], s->shift[i]), &rest);
        bits += symbol >= p->specials ? p->shift : symbol ? width_of(p, symbol) : 32;
        s->symbols[i] = (int32_t)symbol;
    }
    return (double)bits / (double)s->n;
}

/* Which of the ranges kept these are part of; -1: a parent is missing. */
static int64_t find_range(Shared *s, const int64_t *range)
{
    const int64_t *x = range[0] == SHIFT ? s->shift : NULL, *kept;
    for (int64_t k = 0; k < s->many; k++) {
        kept = s->kept[k];
        if (kept[0] == range[0] && kept[1] == range[1] && kept[2] == range[2] && kept[3] >= range[3]) return k;
    }
    for (int64_t k = 0; k < s->t->many && range[0] != SHIFT; k++)
        if (s->t->names[k] == range[0]) x = s->t->lists[k];
    if (!x) return -1;
    int64_t low = range[1], high = range[2], span = high - low + 1, bits = range[3];
    if (bits < RANGE_BITS) bits = RANGE_BITS;
    uint16_t *numbers = s->numbers + s->many * s->n;
    double inverse = 1 / (double)span;
    for (int64_t i = 0; i < s->n; i++)
        numbers[i] = (uint16_t)quotient_by((within(x[i], low, high) - low) << bits, span, inverse);
    memcpy(s->kept[s->many], (int64_t[]){range[0], low, high, bits}, sizeof *s->kept);
    return s->many++;
}

/* The context of each row. */
static int find_table_of_rows(Shared *s, const Plan *p)
{
    if (s->many + p->many_ranges > MOST_KEPT) s->many = 0;
    memset(s->contexts, 0, sizeof *s->contexts * s->n);
    for (int64_t k = 0; k < p->many_ranges; k++) {
        int64_t place = find_range(s, p->ranges + 4 * k), bits = p->ranges[4 * k + 3];
        if (place < 0) return NO_SUCH_PARENT;
        const uint16_t *numbers = s->numbers + place * s->n;
        int down = (int)(s->kept[place][3] - bits);
        for (int64_t i = 0; i < s->n; i++)
            s->contexts[i] = (uint16_t)(s->contexts[i] << bits | numbers[i] >> down);
    }
    return 0;
}

/* Symbols in the order of their contexts: those of even places, from which tables are learned, and the others. */
static void sort_symbols(const Shared *s, int64_t levels, Sorted *learned, Sorted *priced)
{
    int64_t contexts = (int64_t)1 << levels, next[2][MOST_CONTEXTS], *start[2] = {learned->start, priced->start};
    int32_t *symbols[2] = {learned->symbols, priced->symbols};
    for (int k = 0; k < 2; k++) {
        memset(start[k], 0, sizeof(int64_t) * (contexts + 1));
        for (int64_t i = k; i < s->n; i += 2) start[k][s->contexts[i] + 1]++;
        for (int64_t c = 0; c < contexts; c++) start[k][c + 1] += next[k][c] = start[k][c];
        for (int64_t i = k; i < s->n; i += 2) symbols[k][next[k][s->contexts[i]]++] = s->symbols[i];
    }
}

/* Does a plan have the ranges of the one before? */
static int same_ranges(const Plan *p, const Plan *before)
{
    size_t bytes = 4 * sizeof *p->ranges * (size_t)p->many_ranges;
    return p->many_ranges == before->many_ranges && !memcmp(p->ranges, before->ranges, bytes);
}

/* Bits a row of the symbols at odd places under plans that share what is in `s`, with tables learned from those at even
   places; `rest` more. */
static int find_bits(const int64_t *plans, int64_t many, Shared *s, Floats *tables, double rest, double *bits)
{
    int64_t starts[2][MOST_CONTEXTS + 1];
    Sorted learned = {s->sorted, starts[0]}, priced = {s->sorted + (s->n + 1) / 2, starts[1]};
    Plan p, before;
    for (int64_t k = 0; k < many; k++, before = p) {
        plans = read_plan(plans, &p);
        if (p.levels > MOST_LEVELS || p.many_ranges > MOST_LEVELS) return DAMAGED;
        set_weights(tables, p.strength);
        if (!k || !same_ranges(&p, &before)) {
            int wrong = find_table_of_rows(s, &p);
            if (wrong) return wrong;
            sort_symbols(s, p.levels, &learned, &priced);
        }
        if (!k) {
            count_floats(tables, &learned, 0, (s->n + 1) / 2);
            first_floats(tables, (float)((s->n + 1) / 2));
        }
        bits[k] = rest + bits_of_all(tables, p.levels, &learned, &priced) / (double)(s->n / 2);
    }
    return 0;
}

/* Bits a row of a column's values q under plans that differ in their ranges and strengths alone. */
EXPORT int64_t hepae_costs(const int64_t *plans, int64_t many, const Table *t, int64_t n, const int64_t *q,
                           const uint8_t *escapes, const int64_t *shift, double *bits)
{
    Plan p;
    Floats tables;
    Shared s = {.t = t, .n = n, .shift = shift};
    read_plan(plans, &p);
    float *memory = set_up(&tables, &p);
    int wrong = make_shared(&s) || !memory ? NO_MEMORY : 0;
    if (!wrong) wrong = find_bits(plans, many, &s, &tables, find_symbols(&p, &s, q, escapes), bits);
    free(memory);
    free(s.symbols);
    return wrong;
}
