// Preloaded into a node: one write or sync of a file below a folder fails, as on a disk that is
// worn out or full. Built and used by disk_errors.py.
//
// FAILING_FILES_FOLDER: where files count. FAILING_FILES_STATE: a file of two numbers of eight
// bytes, how many writes and syncs there were, and whether one has failed. FAILING_FILES_AT: the
// number of the one that fails. FAILING_FILES_ERROR: its errno.
//
// What a failed sync should have kept is taken away, as a kernel may do. A write that finds no
// space has written the first half.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <fcntl.h>

enum { files_max = 4096 };

static struct {
  volatile uint64_t operations;
  volatile uint64_t failed;
} * state;
static const char* folder;
static uint64_t fails_at;
static int fails_with;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
  ino_t file;
  off_t synced;
} known[files_max];

__attribute__((constructor)) static void begin(void) {
  const char* path = getenv("FAILING_FILES_STATE");
  int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0)
    return;
  void* mapped = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped == MAP_FAILED)
    abort();
  fails_at = strtoull(getenv("FAILING_FILES_AT"), NULL, 10);
  fails_with = atoi(getenv("FAILING_FILES_ERROR"));
  folder = getenv("FAILING_FILES_FOLDER");
  state = mapped;
}

// Whether this is a file that counts, and it is its turn to fail.
static int fails(int fd) {
  char name[32], path[4096];
  if (!state)
    return 0;
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(name, path, sizeof path - 1);
  if (size <= 0)
    return 0;
  path[size] = '\0';
  if (strncmp(path, folder, strlen(folder)) != 0)
    return 0;
  if (__atomic_add_fetch(&state->operations, 1, __ATOMIC_SEQ_CST) != fails_at)
    return 0;
  state->failed = 1;
  return 1;
}

static long refuse(void) {
  errno = fails_with;
  return -1;
}

// What is synced of the file from now on; or, if `lost`, the file has only what was.
static void note_sync(int fd, int lost) {
  struct stat about;
  if (!state || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))
    return;
  pthread_mutex_lock(&mutex);
  for (size_t i = 0; i < files_max; ++i) {
    size_t at = (about.st_ino + i) % files_max;
    if (known[at].file != 0 && known[at].file != about.st_ino)
      continue;
    known[at].file = about.st_ino;
    if (!lost)
      known[at].synced = about.st_size;
    else if (ftruncate(fd, known[at].synced) != 0)
      abort();
    break;
  }
  pthread_mutex_unlock(&mutex);
}

static long sync_with(long call, int fd) {
  if (fails(fd)) {
    note_sync(fd, 1);
    return refuse();
  }
  long done = syscall(call, fd);
  if (done == 0)
    note_sync(fd, 0);
  return done;
}

int fsync(int fd) { return (int)sync_with(SYS_fsync, fd); }
int fdatasync(int fd) { return (int)sync_with(SYS_fdatasync, fd); }

ssize_t write(int fd, const void* bytes, size_t size) {
  if (!fails(fd))
    return syscall(SYS_write, fd, bytes, size);
  if (fails_with == ENOSPC && size > 1)
    syscall(SYS_write, fd, bytes, size / 2);
  return refuse();
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  return fails(fd) ? refuse() : syscall(SYS_pwrite64, fd, bytes, size, at);
}
ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
  return pwrite(fd, bytes, size, at);
}

ssize_t writev(int fd, const struct iovec* parts, int count) {
  return fails(fd) ? refuse() : syscall(SYS_writev, fd, parts, count);
}
