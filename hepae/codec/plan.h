/* How a column is coded, as plan.py says it: what is taken off its values, and its contexts and symbols. */

#ifndef HEPAE_PLAN_H
#define HEPAE_PLAN_H

#include "loops.h"

enum { RANK = -1, COUNT = -2, SHIFT = -3, NO_SAME = -9, BEFORE = 10000, NUMBERS = 15 };
enum { NO_MEMORY = 1, DAMAGED = 2, BITS_END = 3, TOO_MANY_ESCAPES = 4, NO_SUCH_PARENT = 5 };

/* How a column is coded: a list of numbers, which hepae/codec/rows.py writes. */
typedef struct {
    int64_t low, shift, count, scale, strength, period, zeros, steps, hole;
    int64_t many_frequent, many_splines, many_ranges, many_keys, lookup; /* lookup: its parent */
    int64_t same;                             /* the parent whose value has a symbol, or NO_SAME */
    const int64_t *frequent, *splines, *ranges, *keys, *values;
    int64_t tails, first_tail, specials, size, levels; /* 2**levels contexts */
} Plan;

/* The plan at x, and where the next one begins. A spline is parent, low, high, n and n coefficients. */
static inline const int64_t *read_plan(const int64_t *x, Plan *p)
{
    *p = (Plan){x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7], x[8], x[9], x[10], x[11], x[12], x[13],
                x[14]};
    p->frequent = x + NUMBERS;
    p->splines = x = p->frequent + p->many_frequent;
    for (int64_t k = 0; k < p->many_splines; k++) x += 4 + x[3];
    p->ranges = x;
    for (int64_t k = 0; k < p->many_ranges; k++) p->levels += x[4 * k + 3];
    p->keys = x + 4 * p->many_ranges;
    p->values = p->keys + p->many_keys;
    p->tails = 65 - p->shift;
    p->first_tail = 1 + p->many_frequent + (p->same != NO_SAME);
    p->specials = p->first_tail + 2 * p->tails;
    p->size = p->specials + p->count;
    return p->values + p->many_keys;
}

/* Where the values of other columns are: in Q, or (while plans are tried) one list for each parent. */
typedef struct {
    int64_t *Q;
    uint8_t *escapes;
    int64_t across, down, across_escapes, down_escapes; /* steps to the next column and row */
    const int64_t *ranks, *sizes, *ago; /* of each row, ago: the row before, -1 for none; NULL where there are no events */
    int64_t many;
    const int64_t *names, *const *lists;
} Table;

/* (m,) a parent's values in these rows. */
static inline int read_parent(const Table *t, int64_t parent, const int64_t *rows, int64_t m, int64_t *x)
{
    for (int64_t k = 0; k < t->many; k++) {
        if (t->names[k] != parent) continue;
        for (int64_t i = 0; i < m; i++) x[i] = t->lists[k][rows[i]];
        return 0;
    }
    if (t->lists) return NO_SUCH_PARENT;
    if (parent == RANK || parent == COUNT) {
        const int64_t *list = parent == RANK ? t->ranks : t->sizes;
        for (int64_t i = 0; i < m; i++) x[i] = list ? list[rows[i]] : parent == COUNT;
    } else if (parent < BEFORE) {
        const int64_t *column = t->Q + parent * t->across;
        for (int64_t i = 0; i < m; i++) x[i] = column[rows[i] * t->down];
    } else {
        const int64_t *column = t->Q + (parent - BEFORE) * t->across;
        for (int64_t i = 0; i < m; i++)
            x[i] = t->ago && t->ago[rows[i]] >= 0 ? column[t->ago[rows[i]] * t->down] : 0;
    }
    return 0;
}

/* A coefficient; where the place wrapped round below 0, counted from the end. */
static inline int64_t coefficient(const int64_t *c, int64_t n, int64_t k)
{
    if (k < 0) k += n;
    return c[within(k, 0, n - 1)];
}

/* 6 * 1024**3 times a uniform cubic B-spline t / 1024 of the way between the middle two of four coefficients: the four
   basis functions as one polynomial of t (de Boor, A Practical Guide to Splines, 1978). */
static inline int64_t spline_at(int64_t c0, int64_t c1, int64_t c2, int64_t c3, int64_t t)
{
    const int64_t one = 1024;
    int64_t y = (c3 - c0 + 3 * (c1 - c2)) * t + 3 * one * (c0 - 2 * c1 + c2);
    y = y * t + 3 * one * one * (c2 - c0);
    return y * t + one * one * one * (c0 + 4 * c1 + c2);
}

/* Add a uniform cubic B-spline of (m,) x to `sum`. */
static inline void add_spline(const int64_t *spline, const int64_t *x, int64_t m, int64_t *sum)
{
    int64_t low = spline[1], high = spline[2], n = spline[3], span = high - low + 1, parts = (n - 3) << 10;
    const int64_t *c = spline + 4;
    double inverse = 1 / (double)span;
    int small = span > 0 && span < (int64_t)1 << 44 && n > 3 && n < 512; /* then nothing wraps, and k is below n - 3 */
    for (int64_t i = 0; i < m; i++) {
        int64_t a = (within(x[i], low, high) - low) * parts;
        int64_t u = small ? quotient_by(a, span, inverse) : floored(a, span), k = u >> 10, t = u & 1023, y;
        if (small) y = spline_at(c[k], c[k + 1], c[k + 2], c[k + 3], t);
        else y = spline_at(coefficient(c, n, k), coefficient(c, n, k + 1), coefficient(c, n, k + 2),
                           coefficient(c, n, k + 3), t);
        sum[i] += floored(y, (int64_t)6 << 30);
    }
}

/* Take the ranges of (m,) x into the contexts. */
static inline void add_range(const int64_t *range, const int64_t *x, int64_t m, int64_t *contexts)
{
    int64_t low = range[1], high = range[2], bits = range[3], span = high - low + 1;
    double inverse = 1 / (double)span;
    for (int64_t i = 0; i < m; i++)
        contexts[i] = (contexts[i] << bits) + quotient_by((within(x[i], low, high) - low) << bits, span, inverse);
}

/* Where x stands in an ascending list; -1: nowhere. */
static inline int64_t place_of(int64_t x, const int64_t *list, int64_t many)
{
    if (!many || x < list[0] || x > list[many - 1]) return -1;
    int64_t first = 0;
    for (int64_t left = many; left > 1; left -= left >> 1) first += list[first + (left >> 1)] <= x ? left >> 1 : 0;
    return list[first] == x ? first : -1;
}

/* The value beside the key that x is, 0 where there is none. */
static inline int64_t looked_up(const Plan *p, int64_t x)
{
    int64_t place = place_of(x, p->keys, p->many_keys);
    return place < 0 ? 0 : p->values[place];
}

/* (m,) what a plan takes off each value, but for the row before; `x` is room for a parent. */
static inline int own_shift(const Plan *p, const Table *t, const int64_t *rows, int64_t m, int64_t *x, int64_t *shift)
{
    int wrong = 0;
    if (p->many_keys) {
        if ((wrong = read_parent(t, p->lookup, rows, m, x))) return wrong;
        for (int64_t i = 0; i < m; i++) shift[i] = looked_up(p, x[i]);
        return 0;
    }
    memset(shift, 0, sizeof *shift * m);
    if (!p->many_splines) return 0;
    const int64_t *spline = p->splines;
    for (int64_t k = 0; k < p->many_splines; k++, spline += 4 + spline[3]) {
        if ((wrong = read_parent(t, spline[0], rows, m, x))) return wrong;
        add_spline(spline, x, m, shift);
    }
    int64_t up = p->scale - 4, down = 4 - p->scale;
    if (up >= 0) for (int64_t i = 0; i < m; i++) shift[i] <<= up;
    else for (int64_t i = 0; i < m; i++) shift[i] = (shift[i] + ((int64_t)1 << (down - 1))) >> down;
    return 0;
}

/* (m,) the table that each row uses. */
static inline int find_contexts(const Plan *p, const Table *t, const int64_t *rows, int64_t m, const int64_t *shift,
                         int64_t *x, int64_t *contexts)
{
    memset(contexts, 0, sizeof *contexts * m);
    for (int64_t k = 0; k < p->many_ranges; k++) {
        const int64_t *range = p->ranges + 4 * k;
        if (range[0] == SHIFT) { add_range(range, shift, m, contexts); continue; }
        int wrong = read_parent(t, range[0], rows, m, x);
        if (wrong) return wrong;
        add_range(range, x, m, contexts);
    }
    return 0;
}

/* Which of the frequent bins a value is; -1: none. */
static inline int64_t which_frequent(const Plan *p, int64_t value)
{
    return place_of(value, p->frequent, p->many_frequent);
}

/* Does a value escape because the plan has no place for it: low bits that are not 0, or in the hole? */
static inline int breaks(const Plan *p, int64_t q)
{
    if (p->zeros && ((q < 0 ? ~q : q) & (((int64_t)1 << p->zeros) - 1))) return 1;
    int64_t v = q >> p->zeros;
    return p->hole && v <= p->hole && v >= -p->hole && which_frequent(p, v) < 0;
}

/* Is something taken off that depends on other columns, so that a circle's values go the short way round? */
static inline int goes_round(const Plan *p) { return p->period && p->many_splines; }

static inline int64_t modulo(int64_t a, int64_t b) { return a % b + (a % b < 0 ? b : 0); }

static inline int64_t sign(int64_t x) { return (x > 0) - (x < 0); }

/* A value less its shift. */
static inline int64_t residual(const Plan *p, int64_t q, int64_t shift)
{
    int64_t v = q >> p->zeros;
    v = v - sign(v) * p->hole - shift;
    return goes_round(p) ? modulo(v + p->period / 2, p->period) - p->period / 2 : v;
}

/* The value again; `fresh`: of an escape or a frequent bin, which nothing moves. */
static inline int64_t restored(const Plan *p, int64_t v, int64_t shift, int fresh)
{
    int64_t q = v + (fresh ? 0 : shift);
    if (goes_round(p)) q = modulo(q, p->period);
    if (!fresh) q += sign(q) * p->hole;
    return (int64_t)((uint64_t)q << p->zeros) | (q < 0 ? ((int64_t)1 << p->zeros) - 1 : 0);
}

/* Which of the doubling bins a distance in units of bins lies in: the bits of units + 1, less one. */
static inline int64_t tail_of(uint64_t units)
{
    int64_t t = 0;
    if (units == ~(uint64_t)0) return 64;
    for (uint64_t x = units + 1; x > 1; x >>= 1) t++;
    return t;
}

/* How far out a tail's bin begins. */
static inline uint64_t tail_start(const Plan *p, int64_t t)
{
    return (t == 64 ? ~(uint64_t)0 : ((uint64_t)1 << t) - 1) << p->shift;
}

/* The symbol of a value less its shift, and what the symbol leaves out. */
static inline int64_t symbol_of(const Plan *p, int64_t v, uint64_t *rest)
{
    uint64_t d = (uint64_t)v - (uint64_t)p->low, bin = d >> p->shift;
    if (v >= p->low && bin < (uint64_t)p->count) {
        *rest = d - (bin << p->shift);
        return p->specials + (int64_t)bin;
    }
    uint64_t distance = v < p->low ? ~d : d - ((uint64_t)p->count << p->shift);
    int64_t t = tail_of(distance >> p->shift);
    *rest = distance - tail_start(p, t);
    return p->first_tail + (v < p->low ? 0 : p->tails) + t;
}

/* How many low bits follow a symbol. */
static inline int64_t width_of(const Plan *p, int64_t symbol)
{
    if (symbol >= p->specials) return p->shift;
    int64_t t = symbol - p->first_tail;
    if (t < 0) return 0;
    return p->shift + (t < p->tails ? t : t - p->tails);
}

/* The value of a symbol and its low bits: the inverse of `symbol_of`, and of frequent bins. */
static inline int64_t value_of(const Plan *p, int64_t symbol, uint64_t rest)
{
    if (symbol >= p->specials)
        return (int64_t)((uint64_t)p->low + ((uint64_t)(symbol - p->specials) << p->shift) + rest);
    if (symbol <= p->many_frequent) return symbol ? p->frequent[symbol - 1] : 0;
    if (symbol < p->first_tail) return 0; /* what another column holds */
    int64_t t = symbol - p->first_tail;
    if (t < p->tails) return (int64_t)((uint64_t)p->low + ~tail_start(p, t) - rest);
    return (int64_t)((uint64_t)p->low + ((uint64_t)p->count << p->shift) + tail_start(p, t - p->tails) + rest);
}

/* Room for n rows of a column: their numbers, shifts, contexts, parents' values, symbols; rows by their contexts. */
typedef struct {
    int64_t *rows, *shift, *contexts, *x, *own, *symbols, *sorted, *start;
    uint8_t *wanted; /* which contexts there are */
} Room;

static inline int make_room(Room *r, int64_t n, int64_t contexts)
{
    *r = (Room){.rows = malloc(sizeof(int64_t) * (7 * n + contexts + 2)), .wanted = calloc(contexts + 1, 1)};
    if (!r->rows || !r->wanted) return NO_MEMORY;
    r->shift = r->rows + n;
    r->contexts = r->shift + n;
    r->x = r->contexts + n;
    r->own = r->x + n;
    r->symbols = r->own + n;
    r->sorted = r->symbols + n;
    r->start = r->sorted + n;
    return 0;
}

static inline void free_room(Room *r)
{
    free(r->rows);
    free(r->wanted);
}

/* Rows first, first + step, … of n in the order of their contexts; where each of 2**levels contexts starts in that
   order, and whether there is any row of it. */
static inline void sort_rows(Room *r, int64_t first, int64_t step, int64_t n, int64_t levels)
{
    int64_t many = (int64_t)1 << levels, *start = r->start;
    memset(start, 0, sizeof *start * (many + 1));
    for (int64_t i = first; i < n; i += step) start[r->contexts[i] + 1]++;
    for (int64_t c = 0; c < many; c++) {
        r->wanted[c] = start[c + 1] > 0;
        start[c + 1] += start[c];
    }
    for (int64_t i = first; i < n; i += step) r->sorted[start[r->contexts[i]]++] = i;
    for (int64_t c = many; c > 0; c--) start[c] = start[c - 1]; /* back, from where they have moved to */
    start[0] = 0;
}

#endif
