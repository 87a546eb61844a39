#include "zone_lexer.h"

#include <unistd.h>

enum { END_OF_TEXT = -1 };

static void start(struct zone_lexer *lexer, const char *text, size_t length, int file)
{
    lexer->at = text;
    lexer->end = text + length;
    lexer->line = 1;
    lexer->column = 1;
    lexer->depth = 0;
    lexer->file = file;
    lexer->line_start = true;
    lexer->failed = false;
}

void zone_lexer_open_file(struct zone_lexer *lexer, int file)
{
    start(lexer, lexer->buffer, 0, file);
}

void zone_lexer_open_text(struct zone_lexer *lexer, const char *text, size_t length)
{
    start(lexer, text, length, -1);
}

/* The next character without taking it, or END_OF_TEXT. */
static int peek(struct zone_lexer *lexer)
{
    if (lexer->at == lexer->end) {
        if (lexer->file < 0 || lexer->failed) {
            return END_OF_TEXT;
        }
        ssize_t size = read(lexer->file, lexer->buffer, sizeof lexer->buffer);
        if (size <= 0) {
            lexer->failed = size < 0;
            lexer->file = -1;
            return END_OF_TEXT;
        }
        lexer->at = lexer->buffer;
        lexer->end = lexer->buffer + size;
    }
    return (unsigned char)*lexer->at;
}

static void take(struct zone_lexer *lexer)
{
    if (*lexer->at == '\n') {
        lexer->line++;
        lexer->column = 1;
    } else {
        lexer->column++;
    }
    lexer->at++;
}

static void token_error(struct zone_token *token, const char *message)
{
    token->kind = TOKEN_ERROR;
    token->message = message;
}

static bool append(struct zone_lexer *lexer, struct zone_token *token)
{
    if (token->length == ZONE_WORD_LIMIT) {
        token_error(token, "word longer than 1024 characters");
        return false;
    }
    token->text[token->length++] = *lexer->at;
    take(lexer);
    return true;
}

/* Takes a backslash and the character after it, both kept. */
static bool append_escape(struct zone_lexer *lexer, struct zone_token *token)
{
    if (!append(lexer, token)) {
        return false;
    }
    int next = peek(lexer);
    if (next == END_OF_TEXT || next == '\n') {
        token_error(token, "nothing follows the backslash");
        return false;
    }
    return append(lexer, token);
}

static void read_quoted(struct zone_lexer *lexer, struct zone_token *token)
{
    token->kind = TOKEN_QUOTED;
    take(lexer);
    for (;;) {
        int next = peek(lexer);
        if (next == END_OF_TEXT || next == '\n') {
            token_error(token, "the quoted string does not end on its line");
            return;
        }
        if (next == '"') {
            take(lexer);
            return;
        }
        if (!(next == '\\' ? append_escape(lexer, token) : append(lexer, token))) {
            return;
        }
    }
}

static bool ends_word(int next)
{
    switch (next) {
    case END_OF_TEXT:
    case ' ':
    case '\t':
    case '\r':
    case '\n':
    case ';':
    case '(':
    case ')':
    case '"':
        return true;
    default:
        return false;
    }
}

static void read_word(struct zone_lexer *lexer, struct zone_token *token)
{
    token->kind = TOKEN_WORD;
    for (int next = peek(lexer); !ends_word(next); next = peek(lexer)) {
        if (!(next == '\\' ? append_escape(lexer, token) : append(lexer, token))) {
            return;
        }
    }
}

/* Takes blanks, comments, parentheses, and line ends within these. True when it took a blank.
 * Stops with token->kind TOKEN_ERROR at a parenthesis that closes nothing. */
static bool skip(struct zone_lexer *lexer, struct zone_token *token)
{
    bool blank = false;
    for (;;) {
        int next = peek(lexer);
        if (next == ';') {
            while (next != END_OF_TEXT && next != '\n') {
                take(lexer);
                next = peek(lexer);
            }
        } else if (next == ' ' || next == '\t' || next == '\r') {
            blank = true;
            take(lexer);
        } else if (next == '\n' && lexer->depth != 0) {
            take(lexer);
        } else if (next == '(') {
            lexer->depth++;
            take(lexer);
        } else if (next == ')' && lexer->depth != 0) {
            lexer->depth--;
            take(lexer);
        } else {
            if (next == ')') {
                token_error(token, "this parenthesis closes nothing");
            }
            return blank;
        }
    }
}

static void mark_place(const struct zone_lexer *lexer, struct zone_token *token)
{
    token->line = lexer->line;
    token->column = lexer->column;
}

static void read_end(struct zone_lexer *lexer, struct zone_token *token)
{
    token->kind = TOKEN_END;
    if (lexer->failed) {
        token_error(token, "the file cannot be read");
    } else if (lexer->depth != 0) {
        token_error(token, "a parenthesis is still open at the end of the file");
    }
}

void zone_lexer_next(struct zone_lexer *lexer, struct zone_token *token)
{
    bool line_start = lexer->line_start;
    token->kind = TOKEN_NEWLINE;
    token->length = 0;
    lexer->line_start = false;
    mark_place(lexer, token);
    bool first_is_blank = line_start && skip(lexer, token);
    if (!line_start) {
        (void)skip(lexer, token);
    }
    if (token->kind == TOKEN_ERROR) {
        mark_place(lexer, token);
        return;
    }
    if (first_is_blank) {
        token->kind = TOKEN_BLANK;
        return;
    }
    mark_place(lexer, token);
    int next = peek(lexer);
    if (next == END_OF_TEXT) {
        read_end(lexer, token);
    } else if (next == '\n') {
        take(lexer);
        lexer->line_start = true;
    } else if (next == '"') {
        read_quoted(lexer, token);
    } else {
        read_word(lexer, token);
    }
}
