/*
 * loader_tensors.c - reads the tensors (see loading.h): finds the slot of each, follows the parts
 * of the file, and packs units as they arrive.
 */
#include "files/loading.h"

/* Largest gap in bytes that is read instead of sending a new request. */
#define GAP_MAX (8u << 20)

/* ---- Parts ------------------------------------------------------------------------------- */

enum sedd_status sedd_loader_enter_part(struct sedd_loader *loader,
                                        const struct sedd_zip_entry *entry,
                                        struct sedd_error *error)
{
    uint64_t skip;
    enum sedd_status status = sedd_zip_check_local(loader->stage, entry, &skip, error);
    if (status == SEDD_OK) {
        loader->skip = skip;
        loader->part.number = (size_t)(entry - loader->zip.entries);
        loader->part.begin = loader->place + skip;
        loader->part.end = loader->part.begin + entry->size;
        loader->part.crc = 0;
        loader->part.entered = true;
        if (loader->part.end > loader->directory) {
            status = sedd_fail(error, SEDD_ERROR_FORMAT,
                               SEDD_TORCH ": zip entry \"%.80s\" extends past the "
                                          "end of the file's data",
                               entry->name);
        }
    }
    return status;
}

enum sedd_status sedd_loader_leave_part(struct sedd_loader *loader, struct sedd_error *error)
{
    loader->part.entered = false;
    if (loader->crc_table == NULL) {
        return SEDD_OK;
    }
    const struct sedd_zip_entry *entry = &loader->zip.entries[loader->part.number];
    return entry->crc == 0 || entry->crc == loader->part.crc
               ? SEDD_OK
               : sedd_fail(error, SEDD_ERROR_FORMAT,
                           SEDD_TORCH
                           ": the data of \"%.80s\" has checksum %08x; expected %08x; the file is "
                           "damaged, download it again",
                           entry->name, (unsigned)loader->part.crc, (unsigned)entry->crc);
}

uint64_t sedd_loader_run_end(const struct sedd_loader *loader)
{
    const struct sedd_zip *zip = &loader->zip;
    size_t part = loader->part.number;
    for (size_t i = loader->tensor; i < loader->header.count; i++) {
        size_t next = loader->header.tensors[i].part;
        if (next == part || sedd_slots_find(&loader->slots, &loader->header.tensors[i]) == NULL) {
            continue;
        }
        const struct sedd_zip_entry *entry = &zip->entries[part];
        uint64_t end = entry->place + SEDD_ZIP_LOCAL + entry->size;
        if (zip->entries[next].place > end && zip->entries[next].place - end > GAP_MAX) {
            break;
        }
        part = next;
    }
    return part + 1 < zip->count ? zip->entries[part + 1].place : loader->directory;
}

/* ---- From one tensor to the next --------------------------------------------------------- */

/* Returns the index of the next tensor, from `first` on, that fills a slot and is not empty.
 * Returns the number of tensors if there is none. */
static size_t find_tensor(const struct sedd_loader *loader, size_t first)
{
    const struct sedd_header *header = &loader->header;
    for (; first < header->count; first++) {
        const struct sedd_tensor *tensor = &header->tensors[first];
        if (tensor->end > tensor->begin && sedd_slots_find(&loader->slots, tensor) != NULL) {
            break;
        }
    }
    return first;
}

/* Starts the local header of zip entry `part`. Skips ahead if the gap is small; otherwise moves, so
 * that the caller requests another range. */
static enum sedd_status go_to_part(struct sedd_loader *loader, size_t part,
                                   struct sedd_error *error)
{
    uint64_t place = loader->zip.entries[part].place;
    loader->part.number = part;
    if (place >= loader->place && place - loader->place <= GAP_MAX) {
        loader->skip = place - loader->place;
        place = loader->place;
    }
    return sedd_loader_stage_at(loader, SEDD_PHASE_LOCAL, place, SEDD_ZIP_LOCAL, error);
}

/* Starts a tensor of the current part. */
static enum sedd_status go_to_tensor(struct sedd_loader *loader, const struct sedd_tensor *tensor,
                                     struct sedd_error *error)
{
    uint64_t begin = loader->part.begin + tensor->begin;
    enum sedd_status status = SEDD_OK;
    if (begin < loader->place && loader->place > loader->part.begin) {
        return sedd_fail(error, SEDD_ERROR_FORMAT,
                         "%s: tensor \"%.80s\" shares its data with another", loader->header.file,
                         tensor->name);
    }
    loader->skip = begin - loader->place;
    loader->unit = 0;
    loader->slot = sedd_slots_find(&loader->slots, tensor);
    if (loader->watcher.complete != NULL) {
        status = sedd_slot_allocate(loader->slot, loader->model->info.dtype, error);
    }
    return status == SEDD_OK ? sedd_loader_stage(loader, SEDD_PHASE_UNIT,
                                                 sedd_pack_unit_size(loader->slot), error)
                             : status;
}

/* Moves to the next tensor: skips the rest of this part, enters the next part, or ends the load. */
static enum sedd_status advance(struct sedd_loader *loader, struct sedd_error *error)
{
    loader->tensor = find_tensor(loader, loader->tensor);
    bool more = loader->tensor < loader->header.count;
    const struct sedd_tensor *tensor = more ? &loader->header.tensors[loader->tensor] : NULL;
    if (loader->part.entered && (!more || tensor->part != loader->part.number)) {
        loader->skip = loader->part.end - loader->place;
        if (loader->skip > 0) { /* the checksum covers the whole part */
            return sedd_loader_stage(loader, SEDD_PHASE_SKIP, 0, error);
        }
        enum sedd_status status = sedd_loader_leave_part(loader, error);
        if (status != SEDD_OK) {
            return status;
        }
    }
    if (!more) {
        loader->phase = SEDD_PHASE_END;
        return SEDD_OK;
    }
    return loader->part.entered ? go_to_tensor(loader, tensor, error)
                                : go_to_part(loader, tensor->part, error);
}

static int32_t longest_row(const struct sedd_slots *slots)
{
    int32_t longest = 1;
    for (size_t i = 0; i < slots->count; i++) {
        longest = sedd_max(longest, slots->slots[i].columns);
    }
    return longest;
}

enum sedd_status sedd_loader_begin_tensors(struct sedd_loader *loader, struct sedd_error *error)
{
    struct sedd_model_info *info = &loader->model->info;
    enum sedd_status status =
        sedd_slots_match(&loader->slots, &loader->header, loader->wanted, info, error);
    if (status != SEDD_OK) {
        return status;
    }
    info->weight_size = sedd_slots_size(&loader->slots, info->dtype);
    loader->packer.dtype = info->dtype;
    loader->packer.file = loader->header.file;
    loader->packer.rows =
        sedd_memory_new((uint64_t)longest_row(&loader->slots), SEDD_PACK_ROWS * sizeof(float));
    if (loader->packer.rows == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for a row");
    }
    if (loader->watcher.complete != NULL) {
        status = loader->watcher.begin(loader->watcher.user, &loader->slots, info, error);
    }
    for (size_t i = 0;
         i < loader->slots.count && loader->watcher.complete == NULL && status == SEDD_OK; i++) {
        status = sedd_slot_allocate(&loader->slots.slots[i], info->dtype, error);
    }
    return status == SEDD_OK ? advance(loader, error) : status;
}

/* ---- Units ------------------------------------------------------------------------------- */

/* Marks the current slot as filled. A matrix is complete together with its scale, which follows it
 * in the list. */
static enum sedd_status complete_slot(struct sedd_loader *loader, struct sedd_error *error)
{
    struct sedd_slot *slot = loader->slot;
    slot->filled = true;
    slot -= slot->kind == SEDD_SLOT_SCALE ? 1 : 0;
    if (slot->tensor->element == SEDD_ELEMENT_I8) {
        if (!slot[0].filled || !slot[1].filled) {
            return SEDD_OK;
        }
        if (loader->model->info.dtype == SEDD_DTYPE_F32) {
            sedd_pack_scale(&loader->packer, slot);
        }
    }
    enum sedd_status status = SEDD_OK;
    if (loader->watcher.complete != NULL) {
        status = loader->watcher.complete(loader->watcher.user, slot, error);
        sedd_slot_release(slot);
    }
    return status;
}

static enum sedd_status finish_unit(struct sedd_loader *loader, struct sedd_error *error)
{
    const struct sedd_tensor *tensor = &loader->header.tensors[loader->tensor];
    enum sedd_status status =
        sedd_pack_unit(&loader->packer, loader->slot, loader->unit++, loader->stage, error);
    if (status != SEDD_OK || loader->place < loader->part.begin + tensor->end) {
        loader->stage_size = 0;
        return status;
    }
    status = complete_slot(loader, error);
    loader->tensor++;
    return status == SEDD_OK ? advance(loader, error) : status;
}

enum sedd_status sedd_loader_read_tensors(struct sedd_loader *loader, struct sedd_error *error)
{
    enum sedd_status status = SEDD_OK;
    if (loader->phase == SEDD_PHASE_UNIT) {
        return finish_unit(loader, error);
    }
    if (loader->phase == SEDD_PHASE_LOCAL) {
        status = sedd_loader_enter_part(loader, &loader->zip.entries[loader->part.number], error);
    }
    return status == SEDD_OK ? advance(loader, error) : status;
}
