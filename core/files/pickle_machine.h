/*
 * pickle_machine.h - the machine a pickle is a program for: a stack of values with marks on it, a
 * memo, and lists and dicts that grow. It knows no opcode and calls nothing.
 *
 * Every call that can fail says why in the machine's error and returns false or NULL, so that
 * opcodes are written one after another with &&.
 */
#ifndef SEDD_PICKLE_MACHINE_H
#define SEDD_PICKLE_MACHINE_H

#include "files/pickle.h"

/* Values, items, stack and memo entries each: 200 times sedd-medium's. */
#define SEDD_MACHINE_MAX (1u << 19)

struct sedd_array {
    void *data;
    size_t count, capacity, size; /* size: bytes of one element */
};

struct sedd_machine {
    const uint8_t *bytes; /* the pickle */
    size_t size, at;
    size_t opcode_at;         /* for messages */
    struct sedd_array values; /* struct sedd_value */
    struct sedd_array items;  /* struct sedd_item; number 0 is none */
    struct sedd_array stack;  /* uint32_t: numbers of values */
    struct sedd_array marks;  /* size_t: sizes the stack had */
    struct sedd_array memo;   /* uint32_t: number of a value + 1; 0 is an empty place */
    struct sedd_error *error;
};

/* False without memory. */
bool sedd_machine_init(struct sedd_machine *m, const uint8_t *bytes, size_t size,
                       struct sedd_error *error);
/* Frees what only running needs; values and items stay. */
void sedd_machine_clear(struct sedd_machine *m);

/* "... data.pkl <what>": damaged, or sound but not for us (`name` [length] says what it asks for).
 */
bool sedd_machine_fail(struct sedd_machine *m, const char *what);
bool sedd_machine_refuse(struct sedd_machine *m, const char *what, int length, const char *name);

/* Room for element `index`, new ones zeroed; NULL past SEDD_MACHINE_MAX or without memory. */
void *sedd_machine_reach(struct sedd_machine *m, struct sedd_array *array, size_t index);

static inline struct sedd_value *sedd_machine_value(struct sedd_machine *m, uint32_t index)
{
    return (struct sedd_value *)m->values.data + index;
}

/* Values above the last mark may be popped, the mark itself not. */
bool sedd_machine_push(struct sedd_machine *m, uint32_t value);
bool sedd_machine_push_value(struct sedd_machine *m, struct sedd_value value);
bool sedd_machine_pop(struct sedd_machine *m, uint32_t *value);
/* The value on top, which stays; false if there is none above the mark. */
bool sedd_machine_top(struct sedd_machine *m, uint32_t *value);
bool sedd_machine_mark(struct sedd_machine *m);
/* *floor: the size of the stack when the last mark was set. */
bool sedd_machine_pop_mark(struct sedd_machine *m, size_t *floor);

/* The values from `floor` up go into the list or dict below them, */
bool sedd_machine_fill(struct sedd_machine *m, size_t floor, enum sedd_value_kind kind);
/* or become a tuple in their place. */
bool sedd_machine_make_tuple(struct sedd_machine *m, size_t floor);
/* The index-th item of a list and its number, or NULL. */
const struct sedd_value *sedd_machine_list_item(struct sedd_machine *m, uint32_t list,
                                                uint32_t index, uint32_t *number);

#endif
