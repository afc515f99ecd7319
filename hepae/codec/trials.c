/* What a planner asks thousands of times: what a column tells about another, and least squares.

   hepae/codec/spline_fits.py says the same in numpy; tests hold the two against each other. */

#include "plan.h"

#include <math.h>

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

/* What is fitted: B-splines of `many` parents at n places, (many, n) the first one that is not 0, and (many, n, 4)
   values of four of them. */
typedef struct {
    int64_t many, n, size; /* size: coefficients of a spline */
    int64_t *places;
    double *values, *y, *error, *room, *A, *b;
} Fit;

/* A += sign B^T B (upper half) and b += sign B^T y of the rows whose error is larger than `least`. */
static void add_normal(const Fit *f, double sign, double least)
{
    int64_t n = f->n, across = f->many * f->size;
    for (int64_t k = 0; k < f->many; k++)
        for (int64_t l = k; l < f->many; l++)
            for (int64_t i = 0; i < n; i++) {
                if (f->error[i] <= least) continue;
                const double *u = f->values + 4 * (k * n + i), *v = f->values + 4 * (l * n + i);
                double *restrict at = f->A + (k * f->size + f->places[4 * (k * n + i)]) * across
                                      + l * f->size + f->places[4 * (l * n + i)];
                double *restrict b = f->b + k * f->size + f->places[4 * (k * n + i)];
                for (int p = 0; p < 4; p++)
                    for (int q = 0; q < 4; q++) at[p * across + q] += sign * u[p] * v[q];
                for (int p = 0; p < 4 && k == l; p++) b[p] += sign * u[p] * f->y[i];
            }
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
                sum += f->values[4 * (k * f->n + i) + p] * w[k * f->size + f->places[4 * (k * f->n + i)] + p];
        f->error[i] = fabs(sum);
    }
}

/* Coefficients of splines of `many` parents, (n,) each, that come near (n,) q: least squares without the 2% that fit
   worst. `ends`: from where to where each parent goes. */
EXPORT int64_t hepae_fit(const int64_t *const *parents, const int64_t *ends, int64_t many, const int64_t *q, int64_t n,
                         int64_t segments, double *w)
{
    Fit f = {.many = many, .n = n, .size = segments + 3};
    int64_t across = many * f.size, rows = 4 * many * n, worst = 0;
    double *memory = calloc(rows + 3 * n + 2 * across * across + across, sizeof *memory);
    f.places = malloc(sizeof *f.places * (rows + 1));
    if (!memory || !f.places) { free(memory); free(f.places); return NO_MEMORY; }
    f.values = memory;
    f.y = f.values + rows;
    f.error = f.y + n;
    f.A = f.error + 2 * n; /* the errors again, for what puts them in order */
    f.room = f.A + across * across;
    f.b = f.room + across * across;
    for (int64_t k = 0; k < many; k++)
        hepae_basis(parents[k], n, ends[2 * k], ends[2 * k + 1], segments, f.places + 4 * k * n, f.values + 4 * k * n);
    double *some = f.error + n;
    for (int64_t i = 0; i < n; i++) some[i] = (double)q[i];
    double centre = (at_place(some, n, n / 2) + at_place(some, n, (n - 1) / 2)) / 2;
    for (int64_t i = 0; i < n; i++) f.y[i] = (double)q[i] - centre;
    add_normal(&f, 1, -1);
    solve_normal(&f, (double)n, w);
    find_errors(&f, w);
    memcpy(some, f.error, sizeof *some * n);
    double most = at_place(some, n, n - 1 - n / 50);
    for (int64_t i = 0; i < n; i++) worst += f.error[i] > most;
    add_normal(&f, -1, most);
    solve_normal(&f, (double)(n - worst), w);
    for (int64_t i = 0; i < f.size; i++) w[i] += centre;
    free(memory);
    free(f.places);
    return 0;
}
