/*
 * loading.h - a load under way: what the three files of a loader (sedd.h) share.
 *
 *   loader.c          the public calls: which bytes are wanted, and taking those that come
 *   loader_index.c    from the first bytes to the list of tensors, for both containers
 *   loader_tensors.c  from that list on: the parts of the file, and each tensor into its slot
 *
 * The loader is always at one place of the file. It first passes over `skip` bytes, then stages one
 * unit (bytes it can do something with at once), then does what its phase says, which ends by
 * setting out for the next unit. Safetensors: START, HEADER, then UNITs. A torch file: START, TAIL,
 * DIRECTORY, PICKLE_LOCAL, PICKLE, then for every zip entry that is needed LOCAL and its UNITs.
 */
#ifndef SEDD_LOADING_H
#define SEDD_LOADING_H

#include "files/loader.h"
#include "files/pack.h"
#include "files/zip.h"

#define SEDD_SAFETENSORS "model.safetensors" /* as messages call the two containers */
#define SEDD_TORCH "the torch file"

enum sedd_phase {
    SEDD_PHASE_START = 0,    /* the first 8 bytes */
    SEDD_PHASE_HEADER,       /* safetensors: the JSON */
    SEDD_PHASE_TAIL,         /* torch: the last bytes, with the end of the zip directory */
    SEDD_PHASE_DIRECTORY,    /* torch: the zip directory */
    SEDD_PHASE_PICKLE_LOCAL, /* torch: the local header in front of the pickle */
    SEDD_PHASE_PICKLE,       /* torch: the pickle */
    SEDD_PHASE_LOCAL,        /* torch: the local header in front of a part */
    SEDD_PHASE_UNIT,         /* a unit of the tensor at hand */
    SEDD_PHASE_PASS,         /* nothing but bytes to pass over */
    SEDD_PHASE_END,          /* every tensor has arrived */
    SEDD_PHASE_BROKEN        /* failed, or the model has been taken */
};

struct sedd_loader {
    struct sedd_model *model;
    enum sedd_dtype wanted;
    struct sedd_slots slots;
    struct sedd_header header; /* the file's tensors, once its index has been read */
    struct sedd_packer packer;
    struct sedd_watcher watcher;
    enum sedd_phase phase;
    uint64_t file_size; /* 0: unknown */

    uint64_t place;                                 /* of the next byte that is wanted */
    uint64_t skip;                                  /* bytes to pass over first */
    uint8_t *stage;                                 /* the unit at hand */
    uint64_t stage_size, stage_capacity, unit_size; /* bytes it has, could have, and will have */

    size_t tensor; /* number of the tensor at hand, in the header */
    struct sedd_slot *slot;
    int32_t unit; /* of the tensor */

    /* The part of the file we are in: a zip entry's data, or all behind the header of safetensors.
     */
    struct {
        bool entered;
        size_t number;       /* of the zip entry */
        uint64_t begin, end; /* of its data in the file */
        uint32_t crc;        /* of its data so far */
    } part;

    struct sedd_zip zip; /* torch files, like all that follows */
    uint64_t directory, directory_size;
    const struct sedd_zip_entry *pickle;
    struct sedd_crc_table *crc_table; /* NULL: safetensors */
};

/* Sets out to stage `size` bytes, after what is still to be passed over; the second from `place`
 * on. */
enum sedd_status sedd_loader_stage(struct sedd_loader *loader, enum sedd_phase phase, uint64_t size,
                                   struct sedd_error *error);
enum sedd_status sedd_loader_stage_at(struct sedd_loader *loader, enum sedd_phase phase,
                                      uint64_t place, uint64_t size, struct sedd_error *error);

/* The unit of a phase from START to PICKLE is staged: reads it. */
enum sedd_status sedd_loader_read_index(struct sedd_loader *loader, struct sedd_error *error);

/* The header is known: finds each tensor its slot, takes the memory, and sets out for the first. */
enum sedd_status sedd_loader_begin_tensors(struct sedd_loader *loader, struct sedd_error *error);
/* The unit of a phase from LOCAL to PASS is staged. */
enum sedd_status sedd_loader_read_tensors(struct sedd_loader *loader, struct sedd_error *error);
/* Behind a local header: the part's data begins after its name and extras. */
enum sedd_status sedd_loader_enter_part(struct sedd_loader *loader,
                                        const struct sedd_zip_entry *entry,
                                        struct sedd_error *error);
/* Behind a part's data: its checksum must be right. */
enum sedd_status sedd_loader_leave_part(struct sedd_loader *loader, struct sedd_error *error);
/* Torch: the end of the parts from here on that follow one another without a gap worth another
 * request. */
uint64_t sedd_loader_run_end(const struct sedd_loader *loader);

#endif
