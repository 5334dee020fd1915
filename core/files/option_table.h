/*
 * option_table.h - options described by a table: one row a field, by which it is read from JSON,
 * checked and written as JSON. A struct holds 0 for what was not given.
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
    SEDD_FIELD_OFF      /* bool, the other way round in JSON: true stores false */
};

/* Who may name a field. */
#define SEDD_FIELD_OF_SEDD 1u  /* a run of a SEDD */
#define SEDD_FIELD_OF_GPT2 2u  /* a run of a GPT-2 */
#define SEDD_FIELD_OF_FILE 4u  /* a model's generation_config.json */
#define SEDD_FIELD_OF_TOOL 32u /* the tool's flags, and programs */
/* Not users: whether sedd_fields_write tells a field always, or only one that is not 0. */
#define SEDD_FIELD_TOLD 8u
#define SEDD_FIELD_NAMED 16u

struct sedd_field {
    const char *name; /* in JSON: "topK" */
    const char *key;  /* in files: "top_k"; the tool's flag is "--top-k", of OFF "--no-KEY" */
    enum sedd_field_type type;
    unsigned uses;
    size_t offset; /* in the options struct */
    size_t
        zero_offset;   /* of a bool that is true where a number is 0 on purpose; 0: there is none */
    double low, high;  /* the range of numbers */
    double fallback;   /* what 0 stands for; 0: the caller knows */
    const char *words; /* in the enum's order, spaces between; "planned|fixed" has an old name */
    const char *expects; /* NULL: follows from the row */
    const char *help;    /* one sentence without its full stop */
};

struct sedd_fields {
    const struct sedd_field *rows;
    size_t count;
};

/* Where values come from: how fields are called there, and what may be named. */
struct sedd_field_source {
    const char *where; /* begins each sentence: "generation_config.json: " */
    enum { SEDD_CALL_BY_NAME, SEDD_CALL_BY_KEY, SEDD_CALL_BY_FLAG } call;
    unsigned uses;           /* rows that may be named */
    const char *others;      /* names that are somebody else's, each between spaces */
    bool is_file;            /* a null counts as absent, unknown names are skipped */
    enum sedd_status status; /* of a refusal */
};

/* Writes how a source calls a field into text and returns it. */
const char *sedd_field_called(const struct sedd_field *field,
                              const struct sedd_field_source *source, char *text, size_t size);
/* Writes what a field expects ("a whole number from 1 to 64") into text and returns it. */
const char *sedd_field_expects(const struct sedd_field *field, char *text, size_t size);
/* The row of a name, or NULL. */
const struct sedd_field *sedd_fields_find(struct sedd_fields fields, const char *name);

/* Reads the members of an object into *options. Refuses, by name and with the value given, what is
 * not of its field's type and range, and names that no row has. Writes nothing on failure before
 * the member that failed. */
enum sedd_status sedd_fields_read(struct sedd_fields fields, const struct sedd_field_source *source,
                                  const cJSON *root, void *options, struct sedd_error *error);
/* Reads one member the same way; absent: leaves *options as it is. */
enum sedd_status sedd_field_read(const struct sedd_field *field,
                                 const struct sedd_field_source *source, const cJSON *root,
                                 void *options, struct sedd_error *error);
/* Parses the text of a call's options: *root is an object, owned (cJSON_Delete). */
enum sedd_status sedd_call_parse(const char *json, size_t size, cJSON **root,
                                 struct sedd_error *error);
/* The same from the text of a call's options. SEDD_ERROR_ARGUMENT. */
enum sedd_status sedd_fields_parse(struct sedd_fields fields, unsigned uses, const char *json,
                                   size_t size, void *options, struct sedd_error *error);
/* The member of an object that gives a field a value, or NULL. */
const cJSON *sedd_field_given(const struct sedd_field *field,
                              const struct sedd_field_source *source, const cJSON *root);

/* Fills in the fallback of each field that is 0 and refuses values out of range, and fields that
 * `uses` does not have. SEDD_ERROR_ARGUMENT. */
enum sedd_status sedd_fields_check(struct sedd_fields fields, unsigned uses, void *options,
                                   struct sedd_error *error);

/* Writes "name":value pairs, commas between, without braces, of the fields that are told: all, or
 * those that are not 0. Returns the bytes it takes, the zero not counted; *text is cut at size. */
size_t sedd_fields_write(struct sedd_fields fields, const void *options, bool all, char *text,
                         size_t size);

#endif
