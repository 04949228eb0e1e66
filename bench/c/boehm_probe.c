/* Compiles where Boehm's collector is installed with its headers. */
#include <gc/gc.h>
#include <gc/gc_inline.h>

int boehm_probe(void) {
    return GC_VERSION_MAJOR;
}
