/*
 * loader_stage.c - collects the bytes of a load (see loading.h): skips bytes, stages a unit, and
 * keeps the checksum of the current part.
 */
#include "files/loading.h"

#include <string.h>

enum sedd_status sedd_loader_stage(struct sedd_loader *loader, enum sedd_phase phase, uint64_t size,
                                   struct sedd_error *error)
{
    if (size > loader->stage_capacity) {
        sedd_memory_free(loader->stage);
        loader->stage = sedd_memory_new(size, 1);
        loader->stage_capacity = loader->stage == NULL ? 0 : size;
    }
    loader->phase = phase;
    loader->stage_size = 0;
    loader->unit_size = size;
    return loader->stage != NULL ? SEDD_OK
                                 : sedd_fail(error, SEDD_ERROR_MEMORY,
                                             "no memory for a piece of %llu bytes of weights",
                                             (unsigned long long)size);
}

enum sedd_status sedd_loader_stage_at(struct sedd_loader *loader, enum sedd_phase phase,
                                      uint64_t place, uint64_t size, struct sedd_error *error)
{
    loader->place = place;
    return sedd_loader_stage(loader, phase, size, error);
}

void sedd_loader_take(struct sedd_loader *loader, const uint8_t *bytes, uint64_t size)
{
    uint64_t count;
    if (loader->skip > 0) {
        count = size < loader->skip ? size : loader->skip;
        loader->skip -= count;
    } else {
        uint64_t missing = loader->unit_size - loader->stage_size;
        count = size < missing ? size : missing;
        memcpy(loader->stage + loader->stage_size, bytes, (size_t)count);
        loader->stage_size += count;
    }
    uint64_t before = loader->place < loader->part.begin ? loader->part.begin - loader->place : 0;
    if (loader->crc_table != NULL && loader->part.entered && before < count) {
        loader->part.crc = sedd_crc_add(loader->crc_table, loader->part.crc, bytes + before,
                                        (size_t)(count - before));
    }
    loader->place += count;
}
