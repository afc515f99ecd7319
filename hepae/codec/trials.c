/* What a planner asks thousands of times: what a column tells about another, least squares, and what is taken off.

   hepae/codec/spline_fits.py and plan_costs.py say the same in numpy; tests hold the two against each other. */

#include "plan.h"

#include <math.h>

/* (n,) how many different ones of ascending edges, 255 at most, are not above each value. */
EXPORT void hepae_ranges(const int64_t *x, int64_t n, const int64_t *edges, int64_t many, uint8_t *found)
{
    int64_t different[256], count = 0, top = 1;
    for (int64_t k = 0; k < many; k++) if (!k || edges[k] != edges[k - 1]) different[count++] = edges[k];
    while (2 * top <= count) top *= 2;
    for (int64_t i = 0; i < n; i++) {
        int64_t first = 0;
        for (int64_t step = top; step; step >>= 1)
            if (first + step <= count && different[first + step - 1] <= x[i]) first += step;
        found[i] = (uint8_t)first;
    }
}

enum { TOGETHER = 4 }; /* lists that are counted side by side: counts in one wait for each other */

/* How often each pair of ranges came, of `a` and each of a few lists. */
static void count_pairs(const uint8_t *a, int64_t n, const int64_t *rows, const uint8_t *const b[TOGETHER],
                        int32_t both[TOGETHER][1024])
{
    const uint8_t *b0 = b[0], *b1 = b[1], *b2 = b[2], *b3 = b[3];
    memset(both, 0, sizeof *both * TOGETHER);
    for (int64_t i = 0; i < n; i++) {
        int64_t row = rows[i], first = 32 * a[i];
        both[0][first + b0[row]]++;
        both[1][first + b1[row]]++;
        both[2][first + b2[row]]++;
        both[3][first + b3[row]]++;
    }
}

/* Mutual information of n pairs in bits a row, less what chance would give. `alone`: that of the left ones, n log2 n of
   all less that of each; `logs`: n log2 n. */
static double told(const int32_t *both, const int32_t *left, int64_t n, double alone, const double *logs)
{
    int32_t right[32] = {0};
    int64_t some_left = 0, some_right = 0, end = 32;
    for (int j = 0; j < 32; j++) {
        some_left += left[j] > 0;
        for (int m = 0; m < 32 && left[j]; m++) right[m] += both[32 * j + m];
    }
    while (end > 1 && !right[end - 1]) end--;
    for (int j = 0; j < 32; j++)
        for (int64_t m = 0; m < end && left[j]; m++) alone += logs[both[32 * j + m]];
    for (int m = 0; m < end; m++) {
        alone -= logs[right[m]];
        some_right += right[m] > 0;
    }
    return (alone - (double)((some_left - 1) * (some_right - 1)) / (2 * log(2))) / (double)n;
}

/* (many,) mutual information of `a` with each of the lists b, in ranges of 32. `rows`: those of b that belong to a;
   `logs`: n log2 n of each n up to the number of rows. */
EXPORT void hepae_information(const uint8_t *a, int64_t n, const int64_t *rows, const uint8_t *const *b, int64_t many,
                              const double *logs, double *found)
{
    int32_t left[32] = {0}, both[TOGETHER][1024];
    double alone = logs[n];
    for (int64_t i = 0; i < n; i++) left[a[i]]++;
    for (int j = 0; j < 32; j++) alone -= logs[left[j]];
    for (int64_t k = 0; k < many; k += TOGETHER) {
        const uint8_t *some[TOGETHER];
        for (int64_t j = 0; j < TOGETHER; j++) some[j] = b[k + j < many ? k + j : k];
        count_pairs(a, n, rows, some, both);
        for (int64_t j = 0; j < TOGETHER && k + j < many; j++) found[k + j] = told(both[j], left, n, alone, logs);
    }
}

/* (many,) in how many rows b, of numbers below `values`, is not what goes most often with each of the lists a; where
   that is more than `most`, any number above it. `counts`: zeros, a row for each number in a, which has another place at its
   end for how often what goes most often came. */
EXPORT void hepae_disagree(const int32_t *b, const int64_t *rows, int64_t n, int64_t values, const int32_t *const *a,
                           int64_t many, int64_t most, int32_t *counts, int64_t *found)
{
    int64_t across = values + 1;
    for (int64_t k = 0; k < many; k++) {
        int64_t i = 0;
        for (found[k] = 0; i < n && found[k] <= most; i++) {
            int32_t *row = counts + a[k][rows[i]] * across;
            if (++row[b[i]] > row[values]) row[values]++;
            else found[k]++;
        }
        while (i--) {
            int32_t *row = counts + a[k][rows[i]] * across;
            row[b[i]] = row[values] = 0;
        }
    }
}

/* The first of four B-splines of a spline that are not 0 at x, and their values, as floats for fitting. */
static inline int64_t basis_at(int64_t x, int64_t low, int64_t high, int64_t segments, double scale, double *values)
{
    double u = (double)(within(x, low, high) - low) * scale;
    int64_t k = within((int64_t)u, 0, segments - 1);
    double t = u - (double)k, s = 1 - t;
    values[0] = s * s * s / 6;
    values[1] = (3 * t * t * t - 6 * t * t + 4) / 6;
    values[2] = (3 * s * s * s - 6 * s * s + 4) / 6;
    values[3] = t * t * t / 6;
    return k;
}

/* (n, 4) which they are, and their values. */
EXPORT void hepae_basis(const int64_t *x, int64_t n, int64_t low, int64_t high, int64_t segments, int64_t *places,
                        double *values)
{
    double scale = (double)segments / (double)(high - low + 1);
    for (int64_t i = 0; i < n; i++) {
        int64_t k = basis_at(x[i], low, high, segments, scale, values + 4 * i);
        for (int j = 0; j < 4; j++) places[4 * i + j] = k + j;
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

/* The x of A x = b for a positive definite (n, n) A, by elimination, in b; A's upper half is used up. */
EXPORT void hepae_solve(double *A, double *b, int64_t n)
{
    for (int64_t j = 0; j < n; j++)
        for (int64_t i = j + 1; i < n; i++) {
            double factor = A[j * n + i] / A[j * n + j];
            if (factor == 0) continue; /* most are, of splines that do not overlap */
            for (int64_t k = i; k < n; k++) A[i * n + k] -= factor * A[j * n + k];
            b[i] -= factor * b[j];
        }
    for (int64_t j = n - 1; j >= 0; j--) {
        b[j] /= A[j * n + j];
        for (int64_t i = 0; i < j; i++) b[i] -= A[i * n + j] * b[j];
    }
}

/* The number that would stand at a place of (n,) x in ascending order; x is put into another order (Hoare, 1961). */
static double at_place(double *x, int64_t n, int64_t place)
{
    int64_t first = 0, last = n - 1;
    while (first < last) {
        double pivot = x[first + (last - first) / 2];
        int64_t i = first, j = last;
        while (i <= j) {
            while (x[i] < pivot) i++;
            while (x[j] > pivot) j--;
            if (i > j) break;
            double kept = x[i];
            x[i++] = x[j];
            x[j--] = kept;
        }
        if (place <= j) last = j;
        else if (place >= i) first = i;
        else break;
    }
    return x[place];
}

enum { FEWER = 16 }; /* of so many rows, one says where about the middle of all is */

/* What is fitted: B-splines of `many` parents at n places, (many, n) the first one that is not 0, and (many, n, 4)
   values of four of them. */
typedef struct {
    int64_t many, n, size; /* size: coefficients of a spline */
    int32_t *places, *worst;
    double *values, *y, *error, *room, *A, *b;
} Fit;

/* Row i's part of A += sign B^T B (upper half) and b += sign B^T y, of parents k and l. */
static inline void add_row(const Fit *f, int64_t k, int64_t l, int64_t i, double sign)
{
    int64_t n = f->n, across = f->many * f->size, place = k * f->size + f->places[k * n + i];
    const double *u = f->values + 4 * (k * n + i), *v = f->values + 4 * (l * n + i);
    double *restrict at = f->A + place * across + l * f->size + f->places[l * n + i];
    double *restrict b = f->b + place;
    for (int p = 0; p < 4; p++)
        for (int q = 0; q < 4; q++) at[p * across + q] += sign * u[p] * v[q];
    for (int p = 0; p < 4 && k == l; p++) b[p] += sign * u[p] * f->y[i];
}

/* All rows', or those of `rows`. */
static void add_normal(const Fit *f, double sign, const int32_t *rows, int64_t many)
{
    for (int64_t k = 0; k < f->many; k++)
        for (int64_t l = k; l < f->many; l++)
            if (rows) for (int64_t i = 0; i < many; i++) add_row(f, k, l, rows[i], sign);
            else for (int64_t i = 0; i < many; i++) add_row(f, k, l, i, sign);
}

/* Least squares of n rows, bends a little dear (Eilers, Marx, Statist. Sci. 11 (1996) 89), into w. */
static void solve_normal(const Fit *f, double n, double *w)
{
    static const double bend[3] = {1, -2, 1};
    int64_t across = f->many * f->size;
    double *A = f->room, dear = n / (double)across;
    memcpy(A, f->A, sizeof *A * across * across);
    memcpy(w, f->b, sizeof *w * across);
    for (int64_t i = 0; i < across; i++) A[i * across + i] += 1e-6 * dear;
    for (int64_t k = 0; k < f->many; k++)
        for (int64_t i = k * f->size; i < (k + 1) * f->size - 2; i++)
            for (int p = 0; p < 3; p++)
                for (int q = 0; q < 3; q++) A[(i + p) * across + i + q] += 1e-4 * dear * bend[p] * bend[q];
    hepae_solve(A, w, across);
}

/* How far each row is from the splines with coefficients w. */
static void find_errors(const Fit *f, const double *w)
{
    for (int64_t i = 0; i < f->n; i++) {
        double sum = -f->y[i];
        for (int64_t k = 0; k < f->many; k++)
            for (int p = 0; p < 4; p++)
                sum += f->values[4 * (k * f->n + i) + p] * w[k * f->size + f->places[k * f->n + i] + p];
        f->error[i] = fabs(sum);
    }
}

/* Coefficients of splines of `many` parents, (n,) each, that come near (n,) q: least squares without the 2% that fit
   worst. `ends`: from where to where each parent goes. */
EXPORT int64_t hepae_fit(const int64_t *const *parents, const int64_t *ends, int64_t many, const int64_t *q, int64_t n,
                         int64_t segments, double *w)
{
    Fit f = {.many = many, .n = n, .size = segments + 3};
    int64_t across = many * f.size, worst = 0, few = (n + FEWER - 1) / FEWER;
    f.values = malloc(sizeof *f.values * (4 * many * n + 3 * n + 1));
    f.A = calloc(2 * across * across + across, sizeof *f.A);
    f.places = malloc(sizeof *f.places * (many + 1) * (n + 1));
    if (!f.values || !f.A || !f.places) { free(f.values); free(f.A); free(f.places); return NO_MEMORY; }
    f.y = f.values + 4 * many * n;
    f.error = f.y + n;
    f.room = f.A + across * across;
    f.b = f.room + across * across;
    f.worst = f.places + many * n;
    double *some = f.error + n; /* for what puts them in order */
    for (int64_t k = 0; k < many; k++) {
        double scale = (double)segments / (double)(ends[2 * k + 1] - ends[2 * k] + 1), *values = f.values + 4 * k * n;
        for (int64_t i = 0; i < n; i++)
            f.places[k * n + i] = (int32_t)basis_at(parents[k][i], ends[2 * k], ends[2 * k + 1], segments, scale,
                                                    values + 4 * i);
    }
    for (int64_t i = 0; i < few; i++) some[i] = (double)q[FEWER * i];
    double centre = at_place(some, few, few / 2);
    for (int64_t i = 0; i < n; i++) f.y[i] = (double)q[i] - centre;
    add_normal(&f, 1, NULL, n);
    solve_normal(&f, (double)n, w);
    find_errors(&f, w);
    memcpy(some, f.error, sizeof *some * n);
    double most = at_place(some, n, n - 1 - n / 50);
    for (int64_t i = 0; i < n; i++) if (f.error[i] > most) f.worst[worst++] = (int32_t)i;
    add_normal(&f, -1, f.worst, worst);
    solve_normal(&f, (double)(n - worst), w);
    for (int64_t i = 0; i < f.size; i++) w[i] += centre;
    free(f.values);
    free(f.A);
    free(f.places);
    return 0;
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
