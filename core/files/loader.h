/*
 * loader.h - the internal interface of a loader (sedd.h), which passes tensors on one by one.
 */
#ifndef SEDD_LOADER_H
#define SEDD_LOADER_H

#include "files/weights.h"

/* Receives tensors as they arrive. With a watcher, the loader holds one tensor at a time and makes
 * no model. It serves to write a file while another is read. */
struct sedd_watcher {
    /* Called once, after the index has been read. Receives every slot of the model and, in `info`,
     * the type of the weights. */
    enum sedd_status (*begin)(void *user, const struct sedd_slots *slots,
                              const struct sedd_model_info *info, struct sedd_error *error);
    /* Called when a slot and its scale are complete. `slot` is never a scale itself. */
    enum sedd_status (*complete)(void *user, const struct sedd_slot *slot,
                                 struct sedd_error *error);
    void *user;
};

/* Sets the watcher, which is copied. Must be called before the first push. */
void sedd_loader_watch(struct sedd_loader *loader, const struct sedd_watcher *watcher);

#endif
