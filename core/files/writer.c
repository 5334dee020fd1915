/* writer.c - implements writer.h, and sedd_writer_*, which returns a model's file in pieces. */
#include "files/writer.h"

#include "model/linear.h"

#include <stdio.h>
#include <string.h>

/* ---- The layout -------------------------------------------------------------------------- */

static void add(struct sedd_layout *layout, const struct sedd_slot *slot, enum sedd_element element,
                bool scale)
{
    struct sedd_written *tensor = &layout->tensors[layout->count++];
    bool matrix = slot->kind != SEDD_SLOT_VECTOR && !scale;
    *tensor = (struct sedd_written){.slot = slot, .element = element, .scale = scale};
    snprintf(tensor->name, sizeof tensor->name, "%s%s", slot->name, scale ? "_scale" : "");
    tensor->units = !matrix ? 1 : slot->kind == SEDD_SLOT_CONV1D ? slot->columns : slot->rows;
    tensor->size = (uint64_t)tensor->units * sedd_written_unit_size(tensor);
}

/* Writes the JSON header. Returns its size, the terminating zero not counted, even if `capacity` is
 * less. */
static size_t print_header(const struct sedd_layout *layout, char *bytes, size_t capacity)
{
    static const char *const types[] = {"F32", "F16", "BF16", "I8"};
    struct sedd_text text = {bytes, capacity, 0};
    sedd_text_put(&text, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (size_t i = 0; i < layout->count; i++) {
        const struct sedd_written *tensor = &layout->tensors[i];
        const struct sedd_slot *slot = tensor->slot;
        bool turned = slot->kind == SEDD_SLOT_CONV1D;
        int rows = tensor->scale && turned ? 1 : turned ? (int)slot->columns : (int)slot->rows;
        int columns = tensor->scale && !turned ? 1 : turned ? (int)slot->rows : (int)slot->columns;
        sedd_text_put(&text, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%d", tensor->name,
                      types[tensor->element], rows);
        if (slot->kind != SEDD_SLOT_VECTOR) {
            sedd_text_put(&text, ",%d", columns);
        }
        sedd_text_put(&text, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)tensor->begin,
                      (unsigned long long)(tensor->begin + tensor->size));
    }
    sedd_text_put(&text, "}");
    return text.used;
}

static enum sedd_element element_of(const struct sedd_slot *slot,
                                    const struct sedd_model_info *info, enum sedd_dtype dtype)
{
    if (slot->quantised && info->dtype == SEDD_DTYPE_Q8) {
        return SEDD_ELEMENT_I8;
    }
    return dtype == SEDD_DTYPE_F16 && slot->kind != SEDD_SLOT_VECTOR ? SEDD_ELEMENT_F16
                                                                     : SEDD_ELEMENT_F32;
}

enum sedd_status sedd_layout_new(const struct sedd_slots *slots, const struct sedd_model_info *info,
                                 enum sedd_dtype dtype, struct sedd_layout *out,
                                 struct sedd_error *error)
{
    static const enum sedd_element order[] = {SEDD_ELEMENT_F32, SEDD_ELEMENT_F16, SEDD_ELEMENT_I8};
    struct sedd_layout layout = {.tensors = sedd_memory_new(slots->count, sizeof *layout.tensors)};
    uint64_t place = 0;
    for (int pass = 0; pass < 3 && layout.tensors != NULL; pass++) {
        for (size_t i = 0; i < slots->count; i++) {
            const struct sedd_slot *slot = &slots->slots[i];
            bool scale = slot->kind == SEDD_SLOT_SCALE;
            slot -= scale ? 1 : 0;
            enum sedd_element element = element_of(slot, info, dtype);
            if (scale && element == SEDD_ELEMENT_I8 && order[pass] == SEDD_ELEMENT_F32) {
                add(&layout, slot, SEDD_ELEMENT_F32, true);
            } else if (!scale && element == order[pass]) {
                add(&layout, slot, element, false);
            }
        }
    }
    for (size_t i = 0; i < layout.count; i++) {
        layout.tensors[i].begin = place;
        place += layout.tensors[i].size;
    }
    size_t size = layout.tensors == NULL ? 0 : print_header(&layout, NULL, 0);
    size_t padded = (size + 7) / 8 * 8;
    layout.header = sedd_memory_new(8 + padded + 1, 1);
    if (layout.tensors == NULL || layout.header == NULL) {
        sedd_layout_clear(&layout);
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory for the header of a file");
    }
    print_header(&layout, layout.header + 8, size + 1);
    memset(layout.header + 8 + size, ' ', padded - size);
    for (int i = 0; i < 8; i++) {
        layout.header[i] = (char)((uint64_t)padded >> (8 * i) & 255);
    }
    layout.header_size = 8 + padded;
    layout.size = layout.header_size + place;
    *out = layout;
    return SEDD_OK;
}

void sedd_layout_clear(struct sedd_layout *layout)
{
    sedd_memory_free(layout->tensors);
    sedd_memory_free(layout->header);
    *layout = (struct sedd_layout){0};
}

size_t sedd_written_unit_size(const struct sedd_written *tensor)
{
    const struct sedd_slot *slot = tensor->slot;
    bool by_row =
        !tensor->scale && (slot->kind == SEDD_SLOT_LINEAR || slot->kind == SEDD_SLOT_TABLE);
    return (size_t)(by_row ? slot->columns : slot->rows) * sedd_element_size(tensor->element);
}

size_t sedd_layout_longest_unit(const struct sedd_layout *layout)
{
    size_t longest = 1;
    for (size_t i = 0; i < layout->count; i++) {
        size_t size = sedd_written_unit_size(&layout->tensors[i]);
        longest = size > longest ? size : longest;
    }
    return longest;
}

/* ---- Units ------------------------------------------------------------------------------- */

/* Converts to a half, rounding to nearest even. Returns false above the largest half, 65504. */
static bool to_half(float value, uint16_t *half)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7FFFFFFFu;
    if (magnitude >= 0x477FF000u) { /* 65520 rounds to infinity */
        return false;
    }
    if (magnitude < 0x38800000u) { /* below 2^-14, adding 0.5 moves the half's bits to the end */
        float shifted;
        memcpy(&shifted, &magnitude, sizeof shifted);
        shifted += 0.5f;
        memcpy(&magnitude, &shifted, sizeof magnitude);
        *half = (uint16_t)(sign | (magnitude - 0x3F000000u));
        return true;
    }
    magnitude += 0xFFFu + (magnitude >> 13 & 1u);
    *half = (uint16_t)(sign | ((magnitude - 0x38000000u) >> 13));
    return true;
}

static void read_floats(const struct sedd_slot *slot, int32_t unit, float *row)
{
    switch (slot->kind) {
    case SEDD_SLOT_TABLE: sedd_table_get_row(slot->table, unit, row); break;
    case SEDD_SLOT_LINEAR: sedd_linear_get_row(slot->linear, unit, row); break;
    case SEDD_SLOT_CONV1D: sedd_linear_get_column(slot->linear, unit, row); break;
    default: memcpy(row, *slot->vector, (size_t)slot->rows * sizeof *row);
    }
}

static void read_q8(const struct sedd_slot *slot, int32_t unit, int8_t *bytes)
{
    size_t columns = (size_t)slot->columns;
    switch (slot->kind) {
    case SEDD_SLOT_TABLE: memcpy(bytes, slot->table->q + (size_t)unit * columns, columns); break;
    case SEDD_SLOT_CONV1D: sedd_linear_get_column_q8(slot->linear, unit, bytes); break;
    default: sedd_linear_get_row_q8(slot->linear, unit, bytes);
    }
}

bool sedd_written_unit(const struct sedd_written *tensor, int32_t unit, float *row, uint8_t *bytes)
{
    const struct sedd_slot *slot = tensor->slot;
    size_t size = sedd_written_unit_size(tensor);
    if (tensor->scale) {
        memcpy(bytes, slot->table != NULL ? slot->table->scale : slot->linear->w_scale, size);
        return true;
    }
    if (tensor->element == SEDD_ELEMENT_I8) {
        read_q8(slot, unit, (int8_t *)bytes);
        return true;
    }
    read_floats(slot, unit, row);
    if (tensor->element == SEDD_ELEMENT_F32) {
        memcpy(bytes, row, size);
        return true;
    }
    for (size_t i = 0; i < size / 2; i++) {
        uint16_t half;
        if (!to_half(row[i], &half)) {
            return false;
        }
        memcpy(bytes + 2 * i, &half, 2);
    }
    return true;
}

/* ---- A model's file ---------------------------------------------------------------------- */

struct sedd_writer {
    struct sedd_slots slots;
    struct sedd_layout layout;
    float *row;
    uint8_t *unit;               /* the current unit */
    size_t unit_size, unit_used; /* its bytes, and those already returned */
    size_t tensor;               /* tensor of the next unit */
    int32_t number;
};

enum sedd_status sedd_writer_new(const struct sedd_model *model, enum sedd_dtype dtype,
                                 struct sedd_writer **out, struct sedd_error *error)
{
    struct sedd_writer *writer = sedd_memory_new(1, sizeof *writer);
    if (writer == NULL) {
        return sedd_fail(error, SEDD_ERROR_MEMORY, "no memory to write a model");
    }
    /* The list points into the model but does not change it. */
    enum sedd_status status = sedd_slots_list((struct sedd_model *)model, &writer->slots, error);
    if (status == SEDD_OK) {
        status = sedd_layout_new(&writer->slots, &model->info, dtype, &writer->layout, error);
    }
    if (status == SEDD_OK) {
        size_t longest = sedd_layout_longest_unit(&writer->layout);
        writer->row = sedd_memory_new(longest, sizeof(float));
        writer->unit = sedd_memory_new(longest, 1);
        if (writer->row == NULL || writer->unit == NULL) {
            status = sedd_fail(error, SEDD_ERROR_MEMORY, "no memory to write a model");
        }
    }
    /* Values that are out of range are found before the first byte is returned. */
    for (size_t i = 0; status == SEDD_OK && i < writer->layout.count; i++) {
        const struct sedd_written *tensor = &writer->layout.tensors[i];
        for (int32_t u = 0; tensor->element == SEDD_ELEMENT_F16 && u < tensor->units; u++) {
            if (!sedd_written_unit(tensor, u, writer->row, writer->unit)) {
                status =
                    sedd_fail(error, SEDD_ERROR_UNSUPPORTED,
                              "\"%s\" holds values above 65504, the largest of F16", tensor->name);
                break;
            }
        }
    }
    if (status != SEDD_OK) {
        sedd_writer_free(writer);
        return status;
    }
    *out = writer;
    return SEDD_OK;
}

uint64_t sedd_writer_size(const struct sedd_writer *writer)
{
    return writer->layout.size;
}

/* Prepares the next unit. Returns false at the end of the file. The header is returned separately,
 * before the first unit. */
static bool next_unit(struct sedd_writer *writer)
{
    if (writer->tensor == writer->layout.count) {
        return false;
    }
    const struct sedd_written *tensor = &writer->layout.tensors[writer->tensor];
    sedd_written_unit(tensor, writer->number, writer->row, writer->unit);
    writer->unit_size = sedd_written_unit_size(tensor);
    writer->unit_used = 0;
    if (++writer->number == tensor->units) {
        writer->tensor++;
        writer->number = 0;
    }
    return true;
}

size_t sedd_writer_read(struct sedd_writer *writer, void *bytes, size_t capacity)
{
    size_t done = 0;
    if (writer->layout.header != NULL) { /* not yet returned completely */
        size_t left = writer->layout.header_size - writer->unit_used;
        done = left < capacity ? left : capacity;
        memcpy(bytes, writer->layout.header + writer->unit_used, done);
        writer->unit_used += done;
        if (done < left) {
            return done;
        }
        sedd_memory_free(writer->layout.header);
        writer->layout.header = NULL;
        writer->unit_used = writer->unit_size = 0;
    }
    while (done < capacity && (writer->unit_used < writer->unit_size || next_unit(writer))) {
        size_t left = writer->unit_size - writer->unit_used;
        size_t count = capacity - done < left ? capacity - done : left;
        memcpy((uint8_t *)bytes + done, writer->unit + writer->unit_used, count);
        writer->unit_used += count;
        done += count;
    }
    return done;
}

void sedd_writer_free(struct sedd_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    sedd_layout_clear(&writer->layout);
    sedd_memory_free(writer->slots.slots);
    sedd_memory_free(writer->row);
    sedd_memory_free(writer->unit);
    sedd_memory_free(writer);
}
