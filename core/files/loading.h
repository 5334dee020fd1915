/*
 * loading.h - the state of a load, shared by the files of a loader (sedd.h). Each file calls only
 * those below it:
 *
 *   loader.c          the public calls, and the ranges of the file to request next
 *   loader_index.c    reads the list of tensors, for both containers
 *   loader_tensors.c  reads the parts of the file and packs each tensor into its slot
 *   loader_stage.c    skips and collects bytes until a unit is complete
 *
 * A loader is at one place of the file. It skips `skip` bytes and then stages one unit, the bytes
 * that one step of its phase needs. It processes the unit, which starts the next one. Safetensors
 * has the phases START, HEADER, then UNITs. A torch file has START, TAIL, DIRECTORY, PICKLE_LOCAL,
 * PICKLE, and then, for every zip entry that is needed, LOCAL and its UNITs.
 */
#ifndef SEDD_LOADING_H
#define SEDD_LOADING_H

#include "files/loader.h"
#include "files/pack.h"
#include "files/zip.h"

#define SEDD_SAFETENSORS "model.safetensors" /* names of the two containers in messages */
#define SEDD_TORCH "the torch file"

enum sedd_phase {
    SEDD_PHASE_START = 0,    /* the first 8 bytes */
    SEDD_PHASE_HEADER,       /* safetensors: the JSON */
    SEDD_PHASE_TAIL,         /* torch: the last bytes, with the end of the zip directory */
    SEDD_PHASE_DIRECTORY,    /* torch: the zip directory */
    SEDD_PHASE_PICKLE_LOCAL, /* torch: the local header before the pickle */
    SEDD_PHASE_PICKLE,       /* torch: the pickle */
    SEDD_PHASE_LOCAL,        /* torch: the local header before a part */
    SEDD_PHASE_UNIT,         /* a unit of the current tensor */
    SEDD_PHASE_SKIP,         /* bytes that are only skipped */
    SEDD_PHASE_END,          /* every tensor has arrived */
    SEDD_PHASE_CLOSED        /* the load has failed, or the model has been taken */
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

    uint64_t place;          /* offset of the next byte in the file */
    uint64_t skip;           /* bytes to skip before the unit */
    uint8_t *stage;          /* the current unit */
    uint64_t stage_size;     /* bytes of the unit so far */
    uint64_t stage_capacity; /* bytes allocated */
    uint64_t unit_size;      /* bytes of the complete unit */

    size_t tensor; /* index of the current tensor in the header */
    struct sedd_slot *slot;
    int32_t unit; /* index of the unit in the tensor */

    /* The current part of the file: the data of a zip entry, or all that follows the header of a
     * safetensors file. */
    struct {
        bool entered;
        size_t number;       /* index of the zip entry */
        uint64_t begin, end; /* offsets of its data in the file */
        uint32_t crc;        /* CRC-32 of its data so far */
    } part;

    struct sedd_zip zip; /* this and the following fields are for torch files */
    uint64_t directory, directory_size;
    const struct sedd_zip_entry *pickle;
    struct sedd_crc_table *crc_table; /* NULL: safetensors */
};

/* ---- loader_stage.c ---------------------------------------------------------------------- */

/* Starts a unit of `size` bytes, after the bytes that are still to be skipped.
 * sedd_loader_stage_at first moves to `place`. */
enum sedd_status sedd_loader_stage(struct sedd_loader *loader, enum sedd_phase phase, uint64_t size,
                                   struct sedd_error *error);
enum sedd_status sedd_loader_stage_at(struct sedd_loader *loader, enum sedd_phase phase,
                                      uint64_t place, uint64_t size, struct sedd_error *error);

/* Skips or stages as many of the bytes at `place` as it can. */
void sedd_loader_take(struct sedd_loader *loader, const uint8_t *bytes, uint64_t size);

/* ---- loader_index.c ---------------------------------------------------------------------- */

/* Processes the staged unit of a phase from START to PICKLE. */
enum sedd_status sedd_loader_read_index(struct sedd_loader *loader, struct sedd_error *error);
/* Refuses a staged header that does not begin with '{': the first eight bytes of any file may form
 * a plausible header size. */
enum sedd_status sedd_loader_check_header(const struct sedd_loader *loader,
                                          struct sedd_error *error);

/* ---- loader_tensors.c -------------------------------------------------------------------- */

/* Matches the header's tensors with slots, allocates memory and starts the first tensor. */
enum sedd_status sedd_loader_begin_tensors(struct sedd_loader *loader, struct sedd_error *error);

/* Processes the staged unit of a phase from LOCAL to SKIP. */
enum sedd_status sedd_loader_read_tensors(struct sedd_loader *loader, struct sedd_error *error);

/* Reads the staged local header of a zip entry and enters its part. The part's data begins after
 * the entry's name and extra fields. */
enum sedd_status sedd_loader_enter_part(struct sedd_loader *loader,
                                        const struct sedd_zip_entry *entry,
                                        struct sedd_error *error);
/* Leaves a part after its data. Fails if the checksum is wrong. */
enum sedd_status sedd_loader_leave_part(struct sedd_loader *loader, struct sedd_error *error);

/* Returns the end of the range of a torch file to request. The range covers the following parts up
 * to the first gap that is worth another request. */
uint64_t sedd_loader_run_end(const struct sedd_loader *loader);

#endif
