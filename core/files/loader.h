/*
 * loader.h - what a loader (sedd.h) also offers inside the core: tensors one by one.
 */
#ifndef SEDD_LOADER_H
#define SEDD_LOADER_H

#include "model/weights.h"

/* Told what arrives. Memory is then taken for one tensor at a time and given back afterwards, and
 * no model comes of it: for files that are written while another is read. */
struct sedd_watcher {
    /* The index has been read: every slot of the model and the type they will have. */
    enum sedd_status (*begin)(void *user, const struct sedd_slots *slots,
                              const struct sedd_model_info *info, struct sedd_error *error);
    /* A slot (never a scale) is complete, its scale included. */
    enum sedd_status (*complete)(void *user, const struct sedd_slot *slot,
                                 struct sedd_error *error);
    void *user;
};

/* Call it before the first push; copies the watcher. */
void sedd_loader_watch(struct sedd_loader *loader, const struct sedd_watcher *watcher);

#endif
