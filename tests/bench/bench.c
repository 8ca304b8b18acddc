/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bench - run a list of commands round after round and print each one's median time against the first one's
 *
 *   bench ROUNDS < LIST
 *
 * A line of LIST is: NAME ROOT INPUT PROGRAM [ARGUMENT...], separated by blanks. ROOT becomes VFPOOL_ROOT, INPUT
 * standard input. The commands take turns, so that a machine whose speed drifts changes all of them alike; the ratio is
 * the median of the ratios within each round.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_STEPS 16
#define MAX_WORDS 16
#define MAX_ROUNDS 1000

static struct step {
    char line[1024];
    char *words[MAX_WORDS + 1]; /* name, root, input, program, arguments */
    double ms[MAX_ROUNDS];
    long peak_kib;
} steps[MAX_STEPS];

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void run_child(const struct step *step)
{
    int input = open(step->words[2], O_RDONLY), output = open("/dev/null", O_WRONLY);
    if (input < 0 || output < 0 || dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0)
        fail(step->words[2]);
    setenv("VFPOOL_ROOT", step->words[1], 1);
    execv(step->words[3], step->words + 3);
    fail(step->words[3]);
}

static double run(struct step *step)
{
    struct timespec start, end;
    struct rusage usage;
    int status = 0;
    clock_gettime(CLOCK_MONOTONIC, &start);
    pid_t child = fork();
    if (child < 0)
        fail("fork");
    if (child == 0)
        run_child(step);
    if (wait4(child, &status, 0, &usage) != child)
        fail("wait4");
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (status != 0) {
        fprintf(stderr, "%s: status %d\n", step->words[0], status);
        exit(1);
    }
    if (usage.ru_maxrss > step->peak_kib)
        step->peak_kib = usage.ru_maxrss;
    return (double)(end.tv_sec - start.tv_sec) * 1e3 + (double)(end.tv_nsec - start.tv_nsec) / 1e6;
}

static int compare(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

static double median(const double *values, int count)
{
    double sorted[MAX_ROUNDS];
    memcpy(sorted, values, (size_t)count * sizeof *values);
    qsort(sorted, (size_t)count, sizeof *sorted, compare);
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

static size_t read_steps(void)
{
    size_t count = 0;
    while (count < MAX_STEPS && fgets(steps[count].line, sizeof steps[count].line, stdin)) {
        struct step *step = &steps[count];
        int words = 0;
        for (char *word = strtok(step->line, " \n"); word && words < MAX_WORDS; word = strtok(NULL, " \n"))
            step->words[words++] = word;
        count += words > 3;
    }
    return count;
}

int main(int argc, char **argv)
{
    int rounds = argc == 2 ? atoi(argv[1]) : 0;
    if (rounds < 1 || rounds > MAX_ROUNDS) {
        fprintf(stderr, "usage: bench ROUNDS < LIST\n");
        return 2;
    }
    size_t count = read_steps();
    for (int round = -1; round < rounds; round++) /* the first one warms up */
        for (size_t i = 0; i < count; i++)
            steps[i].ms[round < 0 ? 0 : round] = run(&steps[i]);
    for (size_t i = 0; i < count; i++) {
        double ratios[MAX_ROUNDS];
        for (int round = 0; round < rounds; round++)
            ratios[round] = steps[i].ms[round] / steps[0].ms[round];
        printf("%s %.3f %.3f %ld\n", steps[i].words[0], median(steps[i].ms, rounds), median(ratios, rounds),
               steps[i].peak_kib);
    }
    return 0;
}
