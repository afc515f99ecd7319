/* What a planner asks thousands of times: what a plan costs, what a column tells about another, and least squares.

   hepae/codec/column_search.py and spline_fits.py say the same in numpy; tests hold the two against each other. */

#include "plan.h"

#include <math.h>

enum { MOST_LEVELS = 10, MOST_CONTEXTS = 1 << MOST_LEVELS };

/* The bits of the rows that are not learned from. */
typedef struct {
    const int64_t *symbols, *sorted, *start;
    double bits;
} Price;

static void add_bits(void *whose, int64_t c, const int64_t *frequencies)
{
    Price *p = whose;
    for (int64_t i = p->start[c]; i < p->start[c + 1]; i++)
        p->bits += PRECISION - log2((double)frequencies[p->symbols[p->sorted[i]]]);
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
    int wrong = make_room(r, n, MOST_CONTEXTS);
    for (int64_t i = 0; i < n && !wrong; i++) r->rows[i] = i;
    return wrong;
}

/* What the plan takes off each row's value. */
static int find_shift(const Plan *p, const Table *t, const int64_t *before, const Table *there, int64_t n, Room *r)
{
    int wrong = own_shift(p, t, r->rows, n, r->x, r->shift);
    if (wrong || !p->steps) return wrong;
    wrong = own_shift(p, there, r->rows, n, r->x, r->own);
    for (int64_t i = 0; i < n && !wrong; i++) r->shift[i] += (before[i] >> p->zeros) - r->own[i];
    return wrong;
}

/* (n,) what a plan takes off each value of a column. */
EXPORT int64_t hepae_shift(const int64_t *plan, const Table *t, const int64_t *before, const Table *there, int64_t n,
                           int64_t *shift)
{
    Plan p;
    Room r = {0};
    read_plan(plan, &p);
    int wrong = make_rows(&r, n);
    if (!wrong) wrong = find_shift(&p, t, before, there, n, &r);
    if (!wrong) memcpy(shift, r.shift, sizeof *shift * n);
    free_room(&r);
    return wrong;
}

/* Symbols of all rows; bits a row of what symbols leave out, escapes with 32 more. */
static double find_symbols(const Plan *p, int64_t n, const int64_t *q, const uint8_t *escapes, Room *r)
{
    uint64_t rest;
    int64_t f;
    double bits = 0;
    for (int64_t i = 0; i < n; i++) {
        if (escapes[i] || breaks(p, q[i])) r->symbols[i] = 0;
        else if ((f = which_frequent(p, q[i] >> p->zeros)) >= 0) r->symbols[i] = 1 + f;
        else r->symbols[i] = symbol_of(p, residual(p, q[i], r->shift[i]), &rest);
        bits += (double)(r->symbols[i] ? width_of(p, r->symbols[i]) : 32);
    }
    return bits / (double)n;
}

/* Bits a row of the symbols at odd places, with tables learned from those at even places. */
static int find_bits(const Plan *p, const Table *t, int64_t n, Room *r, double *bits)
{
    int wrong = find_contexts(p, t, r->rows, n, r->shift, r->x, r->contexts);
    int32_t *counts = wrong ? NULL : new_counts((int)p->levels, p->size);
    if (!counts) return wrong ? wrong : NO_MEMORY;
    for (int64_t i = 0; i < n; i += 2) count(counts, (int)p->levels, p->size, r->contexts + i, r->symbols + i, 1);
    sort_rows(r, 1, 2, n, p->levels);
    Price price = {r->symbols, r->sorted, r->start, 0};
    wrong = each_table(counts, (int)p->levels, p->size, p->specials, p->strength, r->wanted, add_bits, &price);
    free(counts);
    *bits = price.bits / (double)(n / 2);
    return wrong;
}

/* Bits a row of a column's values q under plans that differ in their ranges and strengths alone. */
EXPORT int64_t hepae_costs(const int64_t *plans, int64_t many, const Table *t, const int64_t *before,
                           const Table *there, int64_t n, const int64_t *q, const uint8_t *escapes, double *bits)
{
    Plan p;
    Room r = {0};
    double rest = 0;
    int wrong = make_rows(&r, n);
    for (int64_t k = 0; k < many && !wrong; k++) {
        plans = read_plan(plans, &p);
        if (p.levels > MOST_LEVELS) wrong = DAMAGED;
        if (!k && !wrong) wrong = find_shift(&p, t, before, there, n, &r);
        if (!k && !wrong) rest = find_symbols(&p, n, q, escapes, &r);
        if (!wrong) wrong = find_bits(&p, t, n, &r, bits + k);
        bits[k] += rest;
    }
    free_room(&r);
    return wrong;
}

/* (n,) how many of ascending edges are not above each value. */
EXPORT void hepae_ranges(const int64_t *x, int64_t n, const int64_t *edges, int64_t many, uint8_t *found)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t first = 0;
        for (int64_t step = 128; step; step >>= 1)
            if (first + step <= many && edges[first + step - 1] <= x[i]) first += step;
        found[i] = (uint8_t)first;
    }
}

/* (many,) mutual information of `a` with each of the lists b, in ranges of 32, in bits a row less what chance would
   give. `rows`: those of b that belong to a; `logs`: n log2 n of each n up to the number of rows. */
EXPORT void hepae_information(const uint8_t *a, int64_t n, const int64_t *rows, const uint8_t *const *b, int64_t many,
                              const double *logs, double *found)
{
    for (int64_t k = 0; k < many; k++) {
        int32_t both[1024] = {0}, left[32] = {0}, right[32] = {0};
        double sum = logs[n];
        int64_t some_left = 0, some_right = 0;
        for (int64_t i = 0; i < n; i++) both[32 * a[i] + b[k][rows[i]]]++;
        for (int j = 0; j < 1024; j++) {
            left[j / 32] += both[j];
            right[j % 32] += both[j];
            sum += logs[both[j]];
        }
        for (int j = 0; j < 32; j++) {
            sum -= logs[left[j]] + logs[right[j]];
            some_left += left[j] > 0;
            some_right += right[j] > 0;
        }
        found[k] = (sum - (double)((some_left - 1) * (some_right - 1)) / (2 * log(2))) / (double)n;
    }
}

/* (n, 4) which of a spline's B-splines are not 0 at x, and their values, as floats for fitting. */
EXPORT void hepae_basis(const int64_t *x, int64_t n, int64_t low, int64_t high, int64_t segments, int64_t *places,
                        double *values)
{
    double scale = (double)segments / (double)(high - low + 1);
    for (int64_t i = 0; i < n; i++, places += 4, values += 4) {
        double u = (double)(within(x[i], low, high) - low) * scale;
        int64_t k = within((int64_t)u, 0, segments - 1);
        double t = u - (double)k, s = 1 - t;
        for (int j = 0; j < 4; j++) places[j] = k + j;
        values[0] = s * s * s / 6;
        values[1] = (3 * t * t * t - 6 * t * t + 4) / 6;
        values[2] = (3 * s * s * s - 6 * s * s + 4) / 6;
        values[3] = t * t * t / 6;
    }
}

/* Of (n, across) rows B that are 0 but for `many` places each: A += B^T B, which is symmetric, and b += B^T y. */
EXPORT void hepae_products(const int64_t *places, const double *values, const double *y, int64_t n, int64_t many,
                           int64_t across, double *A, double *b)
{
    for (int64_t i = 0; i < n; i++, places += many, values += many)
        for (int64_t j = 0; j < many; j++) {
            double *row = A + places[j] * across, value = values[j];
            row[places[j]] += value * value;
            for (int64_t k = j + 1; k < many; k++)
                row[places[k]] += (places[k] == places[j] ? 2 : 1) * value * values[k];
            b[places[j]] += value * y[i];
        }
    for (int64_t j = 0; j < across; j++) /* what is on both sides of the diagonal belongs to both */
        for (int64_t k = 0; k < j; k++) A[j * across + k] = A[k * across + j] += A[j * across + k];
}

/* (n,) B w. */
EXPORT void hepae_applied(const int64_t *places, const double *values, const double *w, int64_t n, int64_t many,
                          double *found)
{
    for (int64_t i = 0; i < n; i++, places += many, values += many) {
        found[i] = 0;
        for (int64_t j = 0; j < many; j++) found[i] += values[j] * w[places[j]];
    }
}

/* The x of A x = b for a positive definite (n, n) A, by elimination, in b; A is used up. */
EXPORT void hepae_solve(double *A, double *b, int64_t n)
{
    for (int64_t j = 0; j < n; j++)
        for (int64_t i = j + 1; i < n; i++) {
            double factor = A[i * n + j] / A[j * n + j];
            if (factor == 0) continue; /* most are, of splines that do not overlap */
            for (int64_t k = j + 1; k < n; k++) A[i * n + k] -= factor * A[j * n + k];
            b[i] -= factor * b[j];
        }
    for (int64_t j = n - 1; j >= 0; j--) {
        b[j] /= A[j * n + j];
        for (int64_t i = 0; i < j; i++) b[i] -= A[i * n + j] * b[j];
    }
}
