/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* doctor-work - what the checks of doctor share */
#ifndef VFPOOL_DOCTOR_WORK_H
#define VFPOOL_DOCTOR_WORK_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "host.h"
#include "pool.h"
#include "vf.h"

enum verdict { VERDICT_OK, VERDICT_WARNING, VERDICT_WRONG, VERDICTS };

/* What is looked at, once for all checks. */
struct patient {
    int root;
    struct host host;
    struct pools pools;
    struct error unread; /* why there are none: their directory cannot be read */
    struct vf_table *tables;
};

/* What one check says. */
struct finding {
    enum verdict verdict; /* the worst */
    char *well;           /* what is as it should be, with semicolons between; NULL: nothing */
    struct ill *ills;     /* what is not, in the order in which it was found */
    size_t ill_count;
};

struct ill {
    enum verdict verdict;
    char *text;
    char *remedy; /* NULL: none */
};

/** finding_is_empty() - whether nothing was found, good or bad */
static inline bool finding_is_empty(const struct finding *finding)
{
    return !finding->well && finding->ill_count == 0;
}

/** finding_add() - a thing that was found; @remedy: what to do, NULL: nothing */
void finding_add(struct finding *finding, enum verdict verdict, const char *remedy, const char *format, ...)
    nonnull(1, 4) printf_like(4, 5);

/** check_host_*() - the kernel, the cards; check_libvirt_*() - libvirt, its hooks, networks and guests. Where nothing
 * is added, there is nothing to say of it. */
void check_host_iommu(const struct patient *patient, struct finding *finding) nonnull(1, 2);
void check_host_vfio(const struct patient *patient, struct finding *finding) nonnull(1, 2);
void check_host_cards(const struct patient *patient, struct finding *finding) nonnull(1, 2);
void check_host_boot(const struct patient *patient, struct finding *finding) nonnull(1, 2);
void check_host_owners(const struct patient *patient, struct finding *finding) nonnull(1, 2);
void check_host_confinement(const struct patient *patient, struct finding *finding) nonnull(1, 2);
void check_host_claims(const struct patient *patient, struct finding *finding) nonnull(1, 2);
void check_host_macs(const struct patient *patient, struct finding *finding) nonnull(1, 2);
void check_host_managers(const struct patient *patient, struct finding *finding) nonnull(1, 2);
void check_libvirt_daemon(const struct patient *patient, struct finding *finding) nonnull(1, 2);
void check_libvirt_hooks(const struct patient *patient, struct finding *finding) nonnull(1, 2);
void check_libvirt_calls(const struct patient *patient, struct finding *finding) nonnull(1, 2);
void check_libvirt_networks(const struct patient *patient, struct finding *finding) nonnull(1, 2);
void check_libvirt_ports(const struct patient *patient, struct finding *finding) nonnull(1, 2);
void check_libvirt_guests(const struct patient *patient, struct finding *finding) nonnull(1, 2);

#endif
