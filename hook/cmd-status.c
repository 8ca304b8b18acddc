/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "command.h"
#include "memory.h"
#include "metrics.h"
#include "program.h"
#include "screen.h"
#include "status.h"
#include "version.h"
#include "watch.h"
#include "xml.h"

/* What comes at once, as the many steps of one start, is shown at once. */
#define GATHER_MS 100

static int read_document(int root, const struct command_flags *flags, const struct status_filter *filter,
                         xmlDocPtr *doc, struct error *error)
{
    if (strcmp(flags->format, "prometheus") != 0)
        return status_read(root, filter, doc, error);
    int result = metrics_read(root, doc, error);
    if (result == 0)
        xml_set(xmlDocGetRootElement(*doc), "version", VFPOOL_VERSION);
    return result;
}

static int render(int root, const struct command_flags *flags, const struct status_filter *filter, char **text,
                  struct error *error)
{
    _cleanup_(cleanup_xml_doc) xmlDocPtr doc = NULL;
    size_t length = 0;
    int result = read_document(root, flags, filter, &doc, error);
    return result < 0 ? result : command_render(flags, doc, text, &length, error);
}

/* Beside a picture standard error would be in its way. */
static char *add_notes(char *text, struct error *problem)
{
    if (!problem->notes.text)
        return text;
    char *both = memory_format("%s\n%s", text, problem->notes.text);
    free(text);
    return both;
}

static int show(int root, const struct command_flags *flags, const struct status_filter *filter, bool drawn,
                char **shown, struct error *error)
{
    _cleanup_(error_free) struct error problem = {0};
    char *text = NULL;
    int result = render(root, flags, filter, &text, &problem);
    if (result < 0)
        return error_set(error, -result, "%s", problem.message);
    if (drawn)
        text = add_notes(text, &problem);
    else
        error_move_notes(error, &problem);
    if (*shown && strcmp(*shown, text) == 0) {
        free(text);
        return 0;
    }
    free(*shown);
    *shown = text;
    return drawn ? screen_draw(text, strlen(text), error) : program_print(text, strlen(text), error);
}

static int open_signals(struct error *error)
{
    sigset_t signals;
    sigemptyset(&signals);
    for (const int *signal = (const int[]){SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH, 0}; *signal; signal++)
        sigaddset(&signals, *signal);
    int fd = sigprocmask(SIG_BLOCK, &signals, NULL) == 0 ? signalfd(-1, &signals, SFD_CLOEXEC) : -1;
    return fd < 0 ? error_set(error, errno, "cannot watch signals: %s", strerror(errno)) : fd;
}

/* Return: whether it goes on. */
static bool obey(int signals, bool drawn, char **shown, struct error *error)
{
    struct signalfd_siginfo signal;
    if (read(signals, &signal, sizeof signal) != (ssize_t)sizeof signal)
        return true;
    if (signal.ssi_signo == SIGTSTP && drawn)
        screen_leave();
    if (signal.ssi_signo == SIGTSTP)
        raise(SIGSTOP);
    if (signal.ssi_signo != SIGTSTP && signal.ssi_signo != SIGWINCH)
        return false;
    bool taken = signal.ssi_signo == SIGWINCH || !drawn || screen_take(error) == 0;
    /* On a terminal that has become another one it is drawn again. */
    if (drawn) {
        free(*shown);
        *shown = NULL;
    }
    return taken;
}

/* Until somebody ends it, or nobody reads it any more. */
static int follow(int root, const struct command_flags *flags, const struct status_filter *filter, int signals,
                  struct watch *watch, struct error *error)
{
    _cleanup_(cleanup_free) char *shown = NULL;
    bool drawn = screen_is_drawn() && strcmp(flags->format, "table") == 0;
    enum { SIGNALS, READER, FILES, LINKS };
    struct pollfd of[] = {[SIGNALS] = {.fd = signals, .events = POLLIN},
                          [READER] = {.fd = STDOUT_FILENO},
                          [FILES] = {.fd = watch->files, .events = POLLIN},
                          [LINKS] = {.fd = watch->links, .events = POLLIN}};
    int result = drawn ? screen_take(error) : 0;
    while (result == 0) {
        watch_settle(root, watch);
        result = show(root, flags, filter, drawn, &shown, error);
        if (result < 0 || poll(of, 4, WATCH_LOOK_MS) < 0)
            break;
        if ((of[FILES].revents || of[LINKS].revents) && !of[SIGNALS].revents && poll(of, 2, GATHER_MS) < 0)
            break;
        if (of[READER].revents || (of[SIGNALS].revents && !obey(signals, drawn, &shown, error)))
            break;
    }
    if (drawn)
        screen_leave();
    return result;
}

static int watch_status(int root, const struct command_flags *flags, const struct status_filter *filter,
                        struct error *error)
{
    struct watch watch = WATCH_NONE;
    _cleanup_(cleanup_close) int signals = open_signals(error);
    int result = signals < 0 ? signals : watch_open(root, &watch, error);
    if (result == 0)
        result = follow(root, flags, filter, signals, &watch, error);
    watch_close(&watch);
    return result;
}

/* What does not go together. Return: 0 or COMMAND_USAGE. */
static int check(const struct command_flags *flags, int operands, struct error *error)
{
    bool all = strcmp(flags->format, "prometheus") == 0;
    if (operands > 1)
        return command_usage(error, "status takes one pool at most");
    if (flags->summary && (flags->wide || flags->more))
        return command_usage(error, "status takes --summary, or --wide and --long");
    if (all && (operands || flags->state || flags->pf || flags->guest))
        return command_usage(error, "status --format prometheus is of all pools");
    if (flags->watch && flags->output)
        return command_usage(error, "status takes --watch or --output");
    return 0;
}

int cmd_status(int root, int argc, char **argv, struct error *error)
{
    struct command_flags flags = {.forms = "table, json, xml, html or prometheus"};
    int first = command_flags(argc, argv, "color format guest long output pf state summary watch wide", &flags, error);
    if (first < 0 || check(&flags, argc - first, error) < 0)
        return COMMAND_USAGE;
    const struct status_filter filter = {
        .pool = argv[first], .state = flags.state, .pf = flags.pf, .guest = flags.guest, .settings = flags.more};
    if (flags.watch)
        return watch_status(root, &flags, &filter, error);
    _cleanup_(cleanup_free) char *text = NULL;
    int result = render(root, &flags, &filter, &text, error);
    if (result < 0)
        return result;
    return flags.output ? program_save(flags.output, text, strlen(text), error)
                        : program_print(text, strlen(text), error);
}
