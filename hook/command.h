/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command - the verbs of vfpool(8), one cmd-*.c each */
#ifndef VFPOOL_COMMAND_H
#define VFPOOL_COMMAND_H

#include <getopt.h>
#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"

/* Returned by a command whose arguments are wrong, with what is wrong in the error; no errno value is as large. */
#define COMMAND_USAGE (-100000)

struct command {
    const char *name;
    const char *arguments; /* as in the usage line */
    const char *help;      /* one line */
    bool changes;          /* it changes something, and the history tells who had it do that */
    /* @root: a descriptor of $VFPOOL_ROOT; @argv starts with the verb. Return: 0, a positive exit status with nothing
       to say, a negative errno value or COMMAND_USAGE. */
    int (*run)(int root, int argc, char **argv, struct error *error);
};

int cmd_transform(int root, int argc, char **argv, struct error *error);
int cmd_explain(int root, int argc, char **argv, struct error *error);
int cmd_history(int root, int argc, char **argv, struct error *error);
int cmd_status(int root, int argc, char **argv, struct error *error);
int cmd_doctor(int root, int argc, char **argv, struct error *error);
int cmd_dumpxml(int root, int argc, char **argv, struct error *error);
int cmd_needs(int root, int argc, char **argv, struct error *error);
int cmd_network(int root, int argc, char **argv, struct error *error);
int cmd_discover(int root, int argc, char **argv, struct error *error);
int cmd_open(int root, int argc, char **argv, struct error *error);
int cmd_release(int root, int argc, char **argv, struct error *error);
int cmd_check(int root, int argc, char **argv, struct error *error);
int cmd_define(int root, int argc, char **argv, struct error *error);
int cmd_edit(int root, int argc, char **argv, struct error *error);
int cmd_drain(int root, int argc, char **argv, struct error *error);
int cmd_undrain(int root, int argc, char **argv, struct error *error);
int cmd_undefine(int root, int argc, char **argv, struct error *error);
int cmd_reconcile(int root, int argc, char **argv, struct error *error);

/**
 * command_option() - the next option of a verb, as getopt_long(3) has it
 * @letters: begins with a colon, which tells an option that there is not from one that lacks its value
 *
 * Return: the option; -1 behind the last one; or COMMAND_USAGE with the error, which names what was typed.
 */
int command_option(int argc, char **argv, const char *letters, const struct option *options,
                   struct error *error) must_check nonnull(2, 3, 4, 5);

/* What the verbs may be told. */
struct command_flags {
    const char *forms;  /* set by the caller: of --format, as the error has them; NULL: table, json or xml */
    const char *format; /* one of the forms; table when it is not said */
    bool alone, boot, dry_run, follow, force, more /* --long */, settings, summary, watch, wide;
    const char *color;                                                           /* auto, always or never */
    const char *guest, *last, *output, *pf, *pool, *reason, *since, *state, *vf; /* NULL: not said */
    int wait_s;                                                                  /* 0: not said */
    int longest_wait_s; /* set by the caller that takes "wait" */
};

/**
 * command_flags() - the arguments of a verb that has some of these options
 * @names: of the options that it has, with spaces between
 * @flags: zero but for what the caller sets
 *
 * Return: the index of the first operand, or COMMAND_USAGE with the error.
 */
int command_flags(int argc, char **argv, const char *names, struct command_flags *flags, struct error *error) must_check
    nonnull(2, 3, 4, 5);

/**
 * command_operands() - the arguments of a command that has no options; behind "--", one may start with a hyphen
 *
 * Return: as command_flags().
 */
int command_operands(int argc, char **argv, struct error *error) nonnull(2, 3);

/** command_takes_one() - of a command that takes one operand, @usage says so. Return: 0; COMMAND_USAGE: @count are
 * others. */
int command_takes_one(int count, const char *usage, struct error *error) must_check nonnull(2, 3);

/**
 * command_read() - XML, from a file or, as "-", from standard input
 * @data: the caller frees it
 *
 * Return: 0 or a negative errno value.
 */
int command_read(const char *file, char **data, size_t *length, struct error *error) must_check nonnull(1, 2, 3, 4);

/** command_print() - print a document in the form that the flags say. Return: 0 or a negative errno value. */
int command_print(const struct command_flags *flags, xmlDocPtr doc, struct error *error) must_check nonnull(1, 2, 3);

/** command_render() - the same as text, which the caller frees */
int command_render(const struct command_flags *flags, xmlDocPtr doc, char **text, size_t *length,
                   struct error *error) must_check nonnull(1, 2, 3, 4, 5);

/**
 * command_report() - print what a command did, or in a dry run would do, also where it failed then
 * @flags:   their format; table: a line each, and notes and the error on standard error; json and xml: a document that
 * has them too
 * @nothing: what to say in a table where nothing changed and there is no note; NULL: nothing
 * @result:  a negative errno value after a failure, with the reason in @error
 *
 * Return: @result, or, where that is 0, a negative errno value when it could not be printed.
 */
int command_report(const struct command_flags *flags, const struct lines *done, const char *nothing, int result,
                   struct error *error) must_check nonnull(1, 2, 5);

/** command_usage() - the error of wrong arguments, in one line whatever they were. Return: COMMAND_USAGE. */
int command_usage(struct error *error, const char *format, ...) nonnull(1, 2) printf_like(2, 3);

#endif
