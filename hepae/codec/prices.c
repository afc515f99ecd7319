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
    count_floats(t, learned, 0, learned->start[contexts]);
    first_floats(t, (float)learned->start[contexts]);
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

/* Memory; how many bins each node has, and weights of the coarser context: more, the deeper a node is. */
static float *set_up(Floats *t, const Plan *p)
{
    *t = (Floats){.specials = p->specials, .bins = p->count, .half = 1};
    while (t->half < t->bins) t->half *= 2;
    int64_t half = t->half, rows = p->levels + 1;
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
    int64_t strength = p->strength;
    t->weights[1] = (float)strength;
    for (int64_t first = 1; first < half; first *= 2, strength = strength * 3 / 2 + 1)
        for (int64_t i = first; i < 2 * first; i++) t->weights[i] = (float)strength;
    for (int64_t i = 1; i < half; i++) t->most[i] = t->has[2 * i + 1] > 0 ? 65535.f / 65536 : 1;
    return memory;
}

/* Does a value escape because the plan has no place for it: low bits that are not 0, or in the hole? */
static int breaks(const Plan *p, int64_t q)
{
    if (p->zeros && ((q < 0 ? ~q : q) & (((int64_t)1 << p->zeros) - 1))) return 1;
    int64_t v = q >> p->zeros;
    return p->hole && v <= p->hole && v >= -p->hole && which_frequent(p, v) < 0;
}

static int make_rows(Room *r, int64_t n)
{
    int wrong = make_room(r, n, 1);
    for (int64_t i = 0; i < n && !wrong; i++) r->rows[i] = i;
    return wrong;
}

/* (n,) what a plan takes off each value of a column, the row before included. */
EXPORT int64_t hepae_shift(const int64_t *plan, const Table *t, const int64_t *before, const Table *there, int64_t n,
                           int64_t *shift)
{
    Plan p;
    Room r = {0};
    read_plan(plan, &p);
    int wrong = make_rows(&r, n);
    if (!wrong) wrong = own_shift(&p, t, r.rows, n, r.x, shift);
    if (!wrong && p.steps) wrong = own_shift(&p, there, r.rows, n, r.x, r.own);
    for (int64_t i = 0; i < n && p.steps && !wrong; i++) shift[i] += (before[i] >> p.zeros) - r.own[i];
    free_room(&r);
    return wrong;
}

/* Symbols of all rows; bits a row of what symbols leave out, escapes with 32 more. */
static double find_symbols(const Plan *p, int64_t n, const int64_t *q, const uint8_t *escapes, const int64_t *shift,
                           int64_t *symbols)
{
    uint64_t rest;
    int64_t f;
    double bits = 0;
    for (int64_t i = 0; i < n; i++) {
        if (escapes[i] || breaks(p, q[i])) symbols[i] = 0;
        else if ((f = which_frequent(p, q[i] >> p->zeros)) >= 0) symbols[i] = 1 + f;
        else symbols[i] = symbol_of(p, residual(p, q[i], shift[i]), &rest);
        bits += (double)(symbols[i] ? width_of(p, symbols[i]) : 32);
    }
    return bits / (double)n;
}

/* Symbols in the order of their contexts: those of even places, from which tables are learned, and the others. */
static void sort_symbols(const Room *r, int64_t n, int64_t levels, Sorted *learned, Sorted *priced)
{
    int64_t contexts = (int64_t)1 << levels, next[2][MOST_CONTEXTS], *start[2] = {learned->start, priced->start};
    int32_t *symbols[2] = {learned->symbols, priced->symbols};
    for (int k = 0; k < 2; k++) {
        memset(start[k], 0, sizeof(int64_t) * (contexts + 1));
        for (int64_t i = k; i < n; i += 2) start[k][r->contexts[i] + 1]++;
        for (int64_t c = 0; c < contexts; c++) start[k][c + 1] += next[k][c] = start[k][c];
        for (int64_t i = k; i < n; i += 2) symbols[k][next[k][r->contexts[i]]++] = (int32_t)r->symbols[i];
    }
}

/* Bits a row of the symbols at odd places, with tables learned from those at even places. */
static int find_bits(const Plan *p, const Table *t, int64_t n, const int64_t *shift, Room *r, double *bits)
{
    int64_t starts[2][MOST_CONTEXTS + 1];
    int32_t *symbols = (int32_t *)r->sorted; /* which has twice the room */
    Sorted learned = {symbols, starts[0]}, priced = {symbols + (n + 1) / 2, starts[1]};
    Floats tables;
    int wrong = find_contexts(p, t, r->rows, n, shift, r->x, r->contexts);
    float *memory = wrong ? NULL : set_up(&tables, p);
    if (!memory) return wrong ? wrong : NO_MEMORY;
    sort_symbols(r, n, p->levels, &learned, &priced);
    *bits = bits_of_all(&tables, p->levels, &learned, &priced) / (double)(n / 2);
    free(memory);
    return 0;
}

/* Bits a row of a column's values q under plans that differ in their ranges and strengths alone. */
EXPORT int64_t hepae_costs(const int64_t *plans, int64_t many, const Table *t, int64_t n, const int64_t *q,
                           const uint8_t *escapes, const int64_t *shift, double *bits)
{
    Plan p;
    Room r = {0};
    double rest = 0;
    int wrong = make_rows(&r, n);
    for (int64_t k = 0; k < many && !wrong; k++) {
        plans = read_plan(plans, &p);
        if (p.levels > MOST_LEVELS) wrong = DAMAGED;
        if (!k && !wrong) rest = find_symbols(&p, n, q, escapes, shift, r.symbols);
        if (!wrong) wrong = find_bits(&p, t, n, shift, &r, bits + k);
        bits[k] += rest;
    }
    free_room(&r);
    return wrong;
}
