/*
 * pickle_machine.h - the stack machine that executes a pickle: a stack of values with marks, a
 * memo, and lists and dicts that grow. It knows no opcodes and calls nothing; pickle.c has the
 * opcodes.
 *
 * A call that fails sets the machine's error and returns false or NULL, so that the steps of an
 * opcode can be chained with &&.
 */
#ifndef SEDD_PICKLE_MACHINE_H
#define SEDD_PICKLE_MACHINE_H

#include "files/pickle.h"

/* Limit on the number of values, and of items, stack entries and memo entries. sedd-medium needs a
 * 200th of it. */
#define SEDD_MACHINE_MAX (1u << 19)

struct sedd_array {
    void *data;
    size_t count, capacity, size; /* size: bytes of one element */
};

struct sedd_machine {
    const uint8_t *bytes; /* the pickle */
    size_t size, at;
    size_t opcode_at;         /* offset of the current opcode, for messages */
    struct sedd_array values; /* struct sedd_value */
    struct sedd_array items;  /* struct sedd_item; number 0 is none */
    struct sedd_array stack;  /* uint32_t: indices of values */
    struct sedd_array marks;  /* size_t: stack sizes at the marks */
    struct sedd_array memo;   /* uint32_t: index of a value + 1; 0 is an empty entry */
    struct sedd_error *error;
};

/* Initialises the machine. Returns false if there is not enough memory. */
bool sedd_machine_init(struct sedd_machine *m, const uint8_t *bytes, size_t size,
                       struct sedd_error *error);
/* Frees the stack, the marks and the memo; keeps values and items. */
void sedd_machine_clear(struct sedd_machine *m);

/* Set the error "... data.pkl <what>" and return false. sedd_machine_fail reports damaged data;
 * sedd_machine_refuse reports valid data that is not supported, followed by `name` [length]. */
bool sedd_machine_fail(struct sedd_machine *m, const char *what);
bool sedd_machine_refuse(struct sedd_machine *m, const char *what, int length, const char *name);

/* Returns element `index` and grows the array, with zeros, as needed. Returns NULL past
 * SEDD_MACHINE_MAX or without memory. */
void *sedd_machine_reach(struct sedd_machine *m, struct sedd_array *array, size_t index);

static inline struct sedd_value *sedd_machine_value(struct sedd_machine *m, uint32_t index)
{
    return (struct sedd_value *)m->values.data + index;
}

/* Push and pop values. Only values above the last mark can be popped. */
bool sedd_machine_push(struct sedd_machine *m, uint32_t value);
bool sedd_machine_push_value(struct sedd_machine *m, struct sedd_value value);
bool sedd_machine_pop(struct sedd_machine *m, uint32_t *value);
/* Reads the top value without popping it. Returns false if there is none above the last mark. */
bool sedd_machine_top(struct sedd_machine *m, uint32_t *value);
bool sedd_machine_mark(struct sedd_machine *m);
/* Pops the last mark. *floor is the size that the stack had when the mark was set. */
bool sedd_machine_pop_mark(struct sedd_machine *m, size_t *floor);

/* Moves the values from `floor` up into the list or dict below them. */
bool sedd_machine_fill(struct sedd_machine *m, size_t floor, enum sedd_value_kind kind);

/* Replaces the values from `floor` up by a tuple of them. */
bool sedd_machine_make_tuple(struct sedd_machine *m, size_t floor);

/* Returns the index-th item of a list, or NULL, and stores the item's value index in *number. */
const struct sedd_value *sedd_machine_list_item(struct sedd_machine *m, uint32_t list,
                                                uint32_t index, uint32_t *number);

#endif
