#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "loops.h"


/* Momenta that follow from others: physics/14_conservation.ipynb says what is meant. Vertices are 0 … v − 1; of a
   particle -1 where it begins, or ends, at none that conserves: the outside, which is vertex v here. */
static int64_t root(int64_t *above, int64_t x)
{
    while (above[x] != x) x = above[x] = above[above[x]];
    return x;
}

/* Particles of each vertex, those of vertex x at first[x] … first[x + 1] − 1, in order. `some`: 0, or which ones. */
static void list_particles(int64_t n, int64_t v, const int64_t *made, const int64_t *ends, const uint8_t *some,
                           int64_t *first, int64_t *list)
{
    memset(first, 0, sizeof *first * (size_t)(v + 3));
    for (int64_t i = 0; i < n; i++) {
        if (some && !some[i]) continue;
        first[(made[i] < 0 ? v : made[i]) + 2]++, first[(ends[i] < 0 ? v : ends[i]) + 2]++;
    }
    for (int64_t x = 0; x <= v; x++) first[x + 2] += first[x + 1];
    for (int64_t i = 0; i < n; i++) {
        if (some && !some[i]) continue;
        list[first[(made[i] < 0 ? v : made[i]) + 1]++] = i;
        list[first[(ends[i] < 0 ? v : ends[i]) + 1]++] = i;
    }
}

/* A forest of particles, chosen in their turn. order, follows: vertices, and the particle that follows at each, in the
   order in which that is possible; how many, or -2: no memory. */
EXPORT int64_t hepae_conserving_forest(int64_t n, int64_t v, const int64_t *made, const int64_t *ends,
                                       int64_t turns, const int64_t *turn, int64_t *order, int64_t *follows)
{
    int64_t *above = malloc(sizeof *above * (size_t)(5 * v + 8 + 2 * n)), *first = above + v + 1;
    int64_t *queue = first + v + 3, *edge = queue + v + 1, *list = edge + v + 1, count = 0, to = 0;
    uint8_t *chosen = calloc((size_t)n + 1, 1);
    if (!above || !chosen) { free(above), free(chosen); return -2; }
    for (int64_t x = 0; x <= v; x++) above[x] = x, edge[x] = -2;
    for (int64_t k = 0; k < turns; k++) {
        int64_t i = turn[k], a = root(above, made[i] < 0 ? v : made[i]), b = root(above, ends[i] < 0 ? v : ends[i]);
        if (a != b) above[a] = b, chosen[i] = 1;
    }
    list_particles(n, v, made, ends, chosen, first, list);
    for (int64_t start = -1; start < v; start++) {  /* the outside first */
        int64_t from = to, x = start < 0 ? v : start;
        if (edge[x] != -2) continue;
        edge[x] = -1, queue[to++] = x;
        while (from < to) {
            x = queue[from++];
            for (int64_t k = first[x]; k < first[x + 1]; k++) {
                int64_t i = list[k], a = made[i] < 0 ? v : made[i], b = ends[i] < 0 ? v : ends[i], y = a == x ? b : a;
                if (edge[y] == -2) edge[y] = i, queue[to++] = y;
            }
        }
    }
    while (to-- > 0) if (edge[queue[to]] >= 0) order[count] = queue[to], follows[count++] = edge[queue[to]];
    free(above), free(chosen);
    return count;
}

/* What follows: q (n, columns), of each particle of `follows` what its vertex needs so that it conserves. 0; -2. */
EXPORT int64_t hepae_conserve(int64_t n, int64_t v, const int64_t *made, const int64_t *ends, int64_t count,
                              const int64_t *order, const int64_t *follows, int64_t columns, double *q)
{
    int64_t *first = malloc(sizeof *first * (size_t)(v + 4 + 2 * n)), *list = first + v + 3;
    if (!first) return -2;
    list_particles(n, v, made, ends, 0, first, list);
    for (int64_t k = 0; k < count; k++)
        for (int64_t c = 0; c < columns; c++) {
            int64_t x = order[k], i = follows[k];
            double sum = 0;
            for (int64_t at = first[x]; at < first[x + 1]; at++) {
                int64_t j = list[at];
                if (j == i || made[j] == ends[j]) continue;
                sum = ends[j] == x ? sum + q[j * columns + c] : sum - q[j * columns + c];
            }
            q[i * columns + c] = made[i] == x ? sum : -sum;
        }
    free(first);
    return 0;
}

/* How small errors have to be: those of all particles from which one follows are at most as large as its own. 0; -2. */
EXPORT int64_t hepae_needed(int64_t n, int64_t v, const int64_t *made, const int64_t *ends, int64_t count,
                            const int64_t *order, const int64_t *follows, double *need)
{
    int64_t *first = malloc(sizeof *first * (size_t)(v + 4 + 2 * n)), *list = first + v + 3;
    if (!first) return -2;
    list_particles(n, v, made, ends, 0, first, list);
    while (count-- > 0) {
        int64_t x = order[count];
        double most = need[follows[count]];
        for (int64_t at = first[x]; at < first[x + 1]; at++) if (need[list[at]] > most) need[list[at]] = most;
    }
    free(first);
    return 0;
}
