/* Names: folders, links, moving and removing. */
#include <sys/syscall.h>

#include "facts.h"

static void make(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT, 0600);
    dprintf(file, "of %s", path);
    close(file);
}

static void folders(void)
{
    struct stat status;
    char path[300];
    FACT(mkdir("a", 0777));
    FACT(mkdir("a", 0777));
    FACT(mkdir("a/b/", 0700));
    FACT(mkdir("x/y", 0700));
    FACT(mkdir("", 0700));
    FACT(mkdir(".", 0700));
    FACT(mkdir("/", 0700));
    FACT(stat("a", &status));
    FACT(status.st_mode);
    FACT(status.st_nlink);
    make("a/file");
    facts_list("a");
    FACT(rmdir("a"));
    FACT(rmdir("a/file"));
    FACT(rmdir("a/."));
    FACT(rmdir("a/b/.."));
    FACT(unlink("a/b"));
    FACT(unlink("a/"));
    FACT(chdir("a/b"));
    FACT(strcmp(getcwd(path, sizeof path) + strlen(facts_folder), "/a/b"));
    FACT(rmdir("../b"));
    FACT(getcwd(path, sizeof path) == NULL ? -1 : 0);
    FACT(open("new", O_RDWR | O_CREAT, 0600));
    FACT(mkdir("new", 0700));
    facts_list(".");
    FACT(chdir(facts_folder));
    FACT(chdir("a/file"));
    FACT(chdir("none"));
    int folder = open("a", O_RDONLY | O_DIRECTORY);
    FACT(unlinkat(folder, "file", 0));
    FACT(unlinkat(AT_FDCWD, "a", AT_REMOVEDIR));
    FACT(openat(folder, "late", O_RDWR | O_CREAT, 0600));
    FACT(read(folder, path, 10));
    FACT(close(folder));
}

static void moves(void)
{
    make("one");
    make("two");
    FACT(mkdir("d", 0700));
    FACT(mkdir("e", 0700));
    FACT(rename("one", "three"));
    facts_content("three");
    FACT(rename("three", "two"));
    facts_content("two");
    FACT(rename("two", "two"));
    FACT(rename("none", "two"));
    FACT(rename("two", "d"));
    FACT(rename("d", "two"));
    FACT(rename("d", "d/d"));
    FACT(rename("two", "d/two"));
    FACT(rename("e", "d"));
    FACT(rename("d", "e"));
    FACT(rename("e/two", "e/three/"));
    FACT(rename("e", "f/"));
    FACT(rename("f/.", "g"));
    facts_list("f");
    FACT(syscall(SYS_renameat2, AT_FDCWD, "f/two", AT_FDCWD, "f", 1));
    make("g");
    FACT(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "g", 2));
    facts_list(".");
    FACT(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "none", 2));
    FACT(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "none", 3));
    FACT(unlink("f"));
    FACT(unlink("g/two"));
    FACT(rmdir("g"));
}

static void links(void)
{
    struct stat status;
    char path[64] = {0};
    make("one");
    FACT(symlink("one", "soft"));
    FACT(symlink("", "soft2"));
    FACT(symlink("none", "dangling"));
    FACT(symlink("loop", "loop"));
    FACT(symlink("one", "soft"));
    FACT(readlink("soft", path, sizeof path));
    FACT(readlink("soft", path, 2));
    FACT(readlink("one", path, 2));
    FACT(lstat("soft", &status));
    FACT(status.st_size);
    FACT(S_ISLNK(status.st_mode));
    FACT(open("soft", O_RDONLY | O_NOFOLLOW));
    FACT(open("loop", O_RDONLY));
    FACT(open("soft/", O_RDONLY));
    FACT(open("dangling", O_RDONLY));
    FACT(open("dangling", O_RDONLY | O_CREAT | O_EXCL, 0600));
    FACT(close(open("dangling", O_WRONLY | O_CREAT, 0600)));
    FACT(access("none", F_OK));
    FACT(link("one", "hard"));
    FACT(link("one", "hard"));
    FACT(link("soft", "hard soft"));
    FACT(link(".", "hard folder"));
    FACT(link("nothing", "hard none"));
    FACT(stat("hard", &status));
    FACT(status.st_nlink);
    FACT(rename("one", "hard"));
    facts_list(".");
    FACT(unlink("one"));
    facts_content("hard");
    FACT(unlink("hard"));
    FACT(unlink("hard soft"));
    FACT(unlink("soft"));
    FACT(unlink("dangling"));
    FACT(unlink("none"));
    FACT(unlink("loop"));
    int file = open(".", O_RDWR | O_TMPFILE, 0600);
    FACT(write(file, "no name", 7));
    FACT(fstat(file, &status));
    FACT(status.st_nlink);
    facts_list(".");
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    facts_content(path);
    FACT(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    facts_content("named");
    FACT(unlink("named"));
    facts_content(path);
    FACT(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    FACT(close(file));
    FACT(access(path, F_OK));
    int only = open(".", O_PATH);
    FACT(fstat(only, &status));
    FACT(S_ISDIR(status.st_mode));
    FACT(read(only, path, 1));
    FACT(close(only));
}

/* Removing while reading skips nothing. */
static void many(void)
{
    char name[32];
    int left = 0;
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "file-%d", i);
        left += close(open(name, O_WRONLY | O_CREAT, 0600)) == 0;
    }
    FACT(left);
    DIR *folder = opendir(".");
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == 'f') {
            left -= unlink(entry->d_name) == 0;
        }
    }
    closedir(folder);
    FACT(left);
    facts_list(".");
    char longest[300];
    memset(longest, 'n', sizeof longest);
    longest[255] = '\0';
    FACT(mkdir(longest, 0700));
    FACT(rmdir(longest));
    longest[255] = 'n';
    longest[256] = '\0';
    FACT(mkdir(longest, 0700));
    FACT(open(longest, O_RDONLY));
}

int main(void)
{
    facts_begin();
    folders();
    moves();
    links();
    many();
    facts_end();
    return 0;
}
