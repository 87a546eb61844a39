/*
 * Master files (RFC 1035 §5.1) as a stream of words.
 *
 * Comments, blanks and line ends inside parentheses never reach the parser. A word keeps its
 * escapes, since `\.` means one thing in a name and another in a string. Files are read through a
 * small buffer, so that a zone's size in text does not matter to a machine with little memory.
 */
#ifndef DNS_ZONE_LEXER_H
#define DNS_ZONE_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum zone_token_kind {
    TOKEN_BLANK, /* a line that starts with a blank: the owner is the last one's */
    TOKEN_WORD,
    TOKEN_QUOTED, /* a string in quotes, without them */
    TOKEN_NEWLINE,
    TOKEN_END,
    TOKEN_ERROR, /* `message` says what is wrong; the lexer is not to be used further */
};

/* 255 octets all written as \DDD are 1,020 characters. */
enum { ZONE_WORD_LIMIT = 1024 };

struct zone_token {
    enum zone_token_kind kind;
    uint32_t line; /* where it starts, both from 1 */
    uint32_t column;
    size_t length;
    const char *message;
    char text[ZONE_WORD_LIMIT];
};

struct zone_lexer {
    const char *at;
    const char *end;
    uint32_t line;
    uint32_t column;
    uint32_t depth; /* open parentheses */
    int file;       /* -1: all there is stands between `at` and `end` */
    bool line_start;
    bool failed; /* the file cannot be read further */
    char buffer[4096];
};

/* Reads from an open file; the caller keeps and closes it. */
void zone_lexer_open_file(struct zone_lexer *lexer, int file);

/* Reads from memory that outlives the lexer. */
void zone_lexer_open_text(struct zone_lexer *lexer, const char *text, size_t length);

/* The next token. After TOKEN_END it stays there. */
void zone_lexer_next(struct zone_lexer *lexer, struct zone_token *token);

#endif
