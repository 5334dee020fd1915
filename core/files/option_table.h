/*
 * option_table.h - options described by a table. Each row describes a field: how it is read from
 * JSON, checked and written as JSON. A struct holds 0 for a field that is not given.
 */
#ifndef SEDD_OPTION_TABLE_H
#define SEDD_OPTION_TABLE_H

#include "files/json.h"

enum sedd_field_type {
    SEDD_FIELD_INTEGER, /* int32_t */
    SEDD_FIELD_NUMBER,  /* double */
    SEDD_FIELD_SEED,    /* uint64_t; in JSON a whole number, or its digits as a string */
    SEDD_FIELD_WORD,    /* an enum, counted from 0 */
    SEDD_FIELD_SWITCH,  /* bool */
    SEDD_FIELD_OFF      /* bool, negated in JSON: true stores false */
};

/* Where a field may occur. */
#define SEDD_FIELD_OF_SEDD 1u  /* a run of a SEDD */
#define SEDD_FIELD_OF_GPT2 2u  /* a run of a GPT-2 */
#define SEDD_FIELD_OF_FILE 4u  /* a model's generation_config.json */
#define SEDD_FIELD_OF_TOOL 32u /* the tool's flags, and programs */
/* sedd_fields_write writes TOLD fields always, and NAMED ones only if they are not 0. */
#define SEDD_FIELD_TOLD 8u
#define SEDD_FIELD_NAMED 16u

struct sedd_field {
    const char *name; /* in JSON: "topK" */
    const char *key;  /* in files: "top_k"; the tool's flag is "--top-k", of OFF "--no-KEY" */
    enum sedd_field_type type;
    unsigned uses;
    size_t offset;       /* in the options struct */
    size_t zero_offset;  /* of a bool that marks a number as 0 on purpose; 0: none */
    double low, high;    /* the range of numbers */
    double fallback;     /* the meaning of 0; 0: the caller decides */
    const char *words;   /* in the enum's order, spaces between; "planned|fixed" has an old name */
    const char *expects; /* NULL: derived from the row */
    const char *help;    /* one sentence without its full stop */
};

struct sedd_fields {
    const struct sedd_field *rows;
    size_t count;
};

/* A source of values: the names of the fields there, and the rows that it may have. */
struct sedd_field_source {
    const char *where; /* begins each sentence: "generation_config.json: " */
    enum { SEDD_CALL_BY_NAME, SEDD_CALL_BY_KEY, SEDD_CALL_BY_FLAG } call;
    unsigned uses;           /* bits of the rows that it may have */
    const char *others;      /* names that belong to other readers, each between spaces */
    bool is_file;            /* a null counts as absent, unknown names are skipped */
    enum sedd_status status; /* returned when a value is refused */
};

/* Writes the name of a field in a source to text and returns it. */
const char *sedd_field_called(const struct sedd_field *field,
                              const struct sedd_field_source *source, char *text, size_t size);
/* Writes the expected values ("a whole number from 1 to 64") to text and returns it. */
const char *sedd_field_expects(const struct sedd_field *field, char *text, size_t size);
/* Returns the row of a name, or NULL. */
const struct sedd_field *sedd_fields_find(struct sedd_fields fields, const char *name);

/* Reads the members of an object into *options. Refuses values of another type or out of range, and
 * unknown names; the error quotes name and value. Writes nothing on failure before
 * the member that failed. */
enum sedd_status sedd_fields_read(struct sedd_fields fields, const struct sedd_field_source *source,
                                  const cJSON *root, void *options, struct sedd_error *error);
/* Reads one member in the same way. Leaves *options unchanged if it is absent. */
enum sedd_status sedd_field_read(const struct sedd_field *field,
                                 const struct sedd_field_source *source, const cJSON *root,
                                 void *options, struct sedd_error *error);
/* Parses the text of a call's options. Returns *root, an object, owned (cJSON_Delete). */
enum sedd_status sedd_call_parse(const char *json, size_t size, cJSON **root,
                                 struct sedd_error *error);
/* Reads the options from the text of a call. Fails with SEDD_ERROR_ARGUMENT. */
enum sedd_status sedd_fields_parse(struct sedd_fields fields, unsigned uses, const char *json,
                                   size_t size, void *options, struct sedd_error *error);
/* Returns the member of an object for a field, or NULL. */
const cJSON *sedd_field_given(const struct sedd_field *field,
                              const struct sedd_field_source *source, const cJSON *root);

/* Fills in the fallback of each field that is 0. Refuses values out of range, and fields that are
 * not in `uses`, with SEDD_ERROR_ARGUMENT. */
enum sedd_status sedd_fields_check(struct sedd_fields fields, unsigned uses, void *options,
                                   struct sedd_error *error);

/* Writes "name":value pairs with commas between, without braces: the TOLD fields if `all`, and
 * those that are not 0. Returns the size without the zero; cuts the text off at `size`. */
size_t sedd_fields_write(struct sedd_fields fields, const void *options, bool all, char *text,
                         size_t size);

#endif
