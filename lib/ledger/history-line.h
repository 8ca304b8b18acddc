/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* history-line - the form of the history's lines, for those who write and who read them */
#ifndef VFPOOL_HISTORY_LINE_H
#define VFPOOL_HISTORY_LINE_H

#define HISTORY_FILE "history"

/* In the order of a line, with tabs between; one that does not apply is empty. */
enum history_field {
    FIELD_TIME,
    FIELD_EVENT,
    FIELD_GUEST,
    FIELD_UUID,
    FIELD_ADDRESS,
    FIELD_PF,
    FIELD_VF,
    FIELD_POOL,
    FIELD_MAC,
    FIELD_REASON,
    FIELD_ACTOR, /* not in lines of earlier versions */
    FIELDS
};

#endif
