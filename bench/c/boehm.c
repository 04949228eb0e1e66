/*
 * The programs of the area `gc` for Boehm's collector (libgc). What each must do is said by the trait in Rust that
 * `src/gc/boehm.rs` implements with it.
 *
 * The collector is used at its best: nodes are taken in line from free lists (gc_inline.h), objects without references
 * are declared so, only pointers to the start of an object keep it alive (else each object is one byte,
 * hence 16, longer), and marking is not split among threads, since a measured process has one core.
 *
 * All state is static, which the collector scans; one process measures one contender.
 */

#define GC_THREADS
#include <gc/gc.h>
#include <gc/gc_inline.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *free_lists[GC_TINY_FREELISTS];

void boehm_start(void) {
    GC_set_all_interior_pointers(0);
    GC_set_markers_count(1);
    GC_INIT();
}

uint64_t boehm_heap_bytes(void) {
    return GC_get_heap_size();
}

static void *checked(void *object) {
    if (object == NULL) {
        abort();
    }
    return object;
}

/* Two words. The free lists' objects are cleared but for their first word. */
static inline void *new_pair(void *first, void *second) {
    void **pair;
    GC_MALLOC_WORDS_KIND(pair, 2, free_lists, GC_I_NORMAL, (void)0);
    checked(pair);
    pair[0] = first;
    pair[1] = second;
    return pair;
}

/* Trees. */

struct node {
    struct node *left;
    struct node *right;
};

static struct node *kept_tree;
static double *kept_doubles;

static struct node *bottom_up(uint32_t depth) {
    if (depth == 0) {
        return new_pair(NULL, NULL);
    }
    struct node *left = bottom_up(depth - 1);
    struct node *right = bottom_up(depth - 1);
    return new_pair(left, right);
}

static uint64_t count(const struct node *tree) {
    if (tree->left == NULL) {
        return 1;
    }
    return 1 + count(tree->left) + count(tree->right);
}

static void populate(struct node *node, uint32_t depth) {
    if (depth == 0) {
        return;
    }
    node->left = new_pair(NULL, NULL);
    node->right = new_pair(NULL, NULL);
    populate(node->left, depth - 1);
    populate(node->right, depth - 1);
}

static uint64_t spine(const struct node *tree) {
    uint64_t length = 0;
    for (; tree != NULL; tree = tree->left) {
        length++;
    }
    return length;
}

uint64_t boehm_tree_temporary(uint32_t depth) {
    return count(bottom_up(depth));
}

void boehm_tree_keep(uint32_t depth) {
    kept_tree = bottom_up(depth);
}

uint64_t boehm_tree_count_kept(void) {
    return count(kept_tree);
}

uint64_t boehm_top_down(uint32_t depth) {
    struct node *tree = new_pair(NULL, NULL);
    populate(tree, depth);
    return spine(tree);
}

uint64_t boehm_bottom_up(uint32_t depth) {
    return spine(bottom_up(depth));
}

void boehm_keep_top_down(uint32_t depth) {
    kept_tree = new_pair(NULL, NULL);
    populate(kept_tree, depth);
}

void boehm_keep_doubles(size_t length) {
    kept_doubles = checked(GC_MALLOC_ATOMIC(length * sizeof(double)));
    memset(kept_doubles, 0, length * sizeof(double));
    for (size_t i = 0; i < length / 2; i++) {
        kept_doubles[i] = 1.0 / (double)(i + 1);
    }
}

double boehm_double(size_t index) {
    return kept_doubles[index];
}

/* Lists. */

struct link {
    uint64_t value;
    struct link *next;
};

static struct link *kept_list;

static struct link *new_link(uint64_t value, struct link *next) {
    return new_pair((void *)(uintptr_t)value, next);
}

static uint64_t sum(const struct link *list) {
    uint64_t sum = 0;
    for (; list != NULL; list = list->next) {
        sum += list->value;
    }
    return sum;
}

static struct link *list_to(uint64_t length) {
    struct link *list = NULL;
    for (uint64_t value = 1; value <= length; value++) {
        list = new_link(value, list);
    }
    return list;
}

void boehm_list_keep(uint64_t length) {
    kept_list = list_to(length);
    GC_gcollect();
}

uint64_t boehm_list_sum(void) {
    return sum(kept_list);
}

uint64_t boehm_list_temporary(uint64_t length) {
    return sum(list_to(length));
}

uint64_t boehm_churn(uint64_t allocations) {
    uint64_t sum = 0;
    for (uint64_t value = 0; value < allocations; value++) {
        struct link *volatile link = new_link(value, NULL);
        sum += link->value;
    }
    return sum;
}

/* Fields that are re-pointed: of an array, or of many pairs. */

struct step {
    uint32_t at;
    uint32_t from;
    uint64_t value;
};

#define FRESH UINT32_MAX

static void **kept_array;
static void ***kept_pairs;
static size_t fields;

static void *new_leaf(uint64_t value) {
    return new_pair((void *)(uintptr_t)value, NULL);
}

void boehm_array_make(size_t length) {
    fields = length;
    kept_array = checked(GC_MALLOC_IGNORE_OFF_PAGE(length * sizeof(void *)));
    for (size_t i = 0; i < length; i++) {
        kept_array[i] = new_leaf(i);
    }
}

void boehm_array_run(const struct step *steps, size_t count) {
    for (const struct step *step = steps; step < steps + count; step++) {
        kept_array[step->at] = step->from == FRESH ? new_leaf(step->value) : kept_array[step->from];
    }
}

uint64_t boehm_array_value(size_t field) {
    return *(uint64_t *)kept_array[field];
}

void boehm_pairs_make(size_t length) {
    fields = length;
    kept_pairs = checked(GC_MALLOC_IGNORE_OFF_PAGE(length / 2 * sizeof(void *)));
    for (size_t i = 0; i < length / 2; i++) {
        void *first = new_leaf(2 * i);
        void *second = new_leaf(2 * i + 1);
        kept_pairs[i] = new_pair(first, second);
    }
}

void boehm_pairs_run(const struct step *steps, size_t count) {
    for (const struct step *step = steps; step < steps + count; step++) {
        void *leaf =
            step->from == FRESH ? new_leaf(step->value) : kept_pairs[step->from / 2][step->from % 2];
        kept_pairs[step->at / 2][step->at % 2] = leaf;
    }
}

uint64_t boehm_pairs_value(size_t field) {
    return *(uint64_t *)kept_pairs[field / 2][field % 2];
}

/* Strings: a length and as many bytes. */

struct string {
    uint64_t length;
    unsigned char bytes[];
};

static struct string **kept_strings;

/* Not from a free list of ours: the collector would not follow its links through objects without references. */
static struct string *new_string(const unsigned char *bytes, size_t length) {
    struct string *string = checked(GC_MALLOC_ATOMIC(sizeof(struct string) + length));
    string->length = length;
    memcpy(string->bytes, bytes, length);
    return string;
}

static uint64_t ends(const struct string *string) {
    return string->length + string->bytes[0] + ((uint64_t)string->bytes[string->length - 1] << 8);
}

void boehm_strings_make(size_t slots) {
    kept_strings = checked(GC_MALLOC_IGNORE_OFF_PAGE(slots * sizeof(void *)));
}

uint64_t boehm_string_temporary(const unsigned char *bytes, size_t length) {
    struct string *volatile string = new_string(bytes, length);
    return ends(string);
}

int boehm_string_keep(size_t slot, const unsigned char *bytes, size_t length) {
    const struct string *old = kept_strings[slot];
    if (old != NULL && old->length == length && memcmp(old->bytes, bytes, length) == 0) {
        return 1;
    }
    kept_strings[slot] = new_string(bytes, length);
    return 0;
}

uint64_t boehm_string_ends(size_t slot) {
    return kept_strings[slot] == NULL ? 0 : ends(kept_strings[slot]);
}

/* Trees that are replaced, in pages of slots. */

#define PAGE_SLOTS 256

static struct node ***tree_pages;

void boehm_pages_make(size_t slots) {
    size_t pages = slots / PAGE_SLOTS;
    tree_pages = checked(GC_MALLOC_IGNORE_OFF_PAGE(pages * sizeof(void *)));
    for (size_t page = 0; page < pages; page++) {
        tree_pages[page] = checked(GC_MALLOC(PAGE_SLOTS * sizeof(void *)));
    }
}

void boehm_pages_replace(size_t slot, uint32_t depth) {
    tree_pages[slot / PAGE_SLOTS][slot % PAGE_SLOTS] = bottom_up(depth);
}

uint64_t boehm_pages_count(size_t slot) {
    const struct node *tree = tree_pages[slot / PAGE_SLOTS][slot % PAGE_SLOTS];
    return tree == NULL ? 0 : count(tree);
}

/*
 * Keys in slots, and notes in a hash table of chains. An entry hides the address of its key, and the collector clears
 * that when the key dies. A chain is cleaned when an entry is added; besides, every so often, some chains in turn.
 */

struct entry {
    void *key;
    struct entry *next;
    uint64_t note;
};

static uint64_t **note_keys;
static struct entry **chains;
static size_t chain_count;
static size_t cleaned;
static size_t replaced;

#define REPLACED_PER_CLEANING 256
#define CLEANINGS_PER_TABLE 4096

static size_t chain_of(const void *key) {
    uint64_t product = (uint64_t)(uintptr_t)key * 0x9e3779b97f4a7c15u;
    return (size_t)(product >> 36) & (chain_count - 1);
}

static void clean(struct entry **link) {
    while (*link != NULL) {
        if ((*link)->key == NULL) {
            *link = (*link)->next;
        } else {
            link = &(*link)->next;
        }
    }
}

void boehm_notes_make(size_t slots) {
    for (chain_count = CLEANINGS_PER_TABLE; chain_count < slots; chain_count *= 2) {
    }
    note_keys = checked(GC_MALLOC_IGNORE_OFF_PAGE(slots * sizeof(void *)));
    chains = checked(GC_MALLOC_IGNORE_OFF_PAGE(chain_count * sizeof(void *)));
}

void boehm_notes_replace(size_t slot, uint64_t note) {
    uint64_t *key = checked(GC_MALLOC_ATOMIC(sizeof(uint64_t)));
    *key = slot;
    struct entry *entry = checked(GC_MALLOC(sizeof(struct entry)));
    struct entry **chain = &chains[chain_of(key)];
    clean(chain);
    entry->key = (void *)GC_HIDE_POINTER(key);
    entry->next = *chain;
    entry->note = note;
    *chain = entry;
    if (GC_general_register_disappearing_link(&entry->key, key) != GC_SUCCESS) {
        abort();
    }
    note_keys[slot] = key;
    if (++replaced % REPLACED_PER_CLEANING == 0) {
        for (size_t i = 0; i < chain_count / CLEANINGS_PER_TABLE; i++) {
            clean(&chains[cleaned++ & (chain_count - 1)]);
        }
    }
}

uint64_t boehm_notes_note(size_t slot) {
    const uint64_t *key = note_keys[slot];
    void *hidden = (void *)GC_HIDE_POINTER(key);
    for (const struct entry *entry = chains[chain_of(key)]; entry != NULL; entry = entry->next) {
        if (entry->key == hidden) {
            return entry->note;
        }
    }
    return UINT64_MAX;
}

/* Resources with finalizers, which run when they are asked for. */

static uint64_t **resources;
static uint64_t closed;

static void close_resource(void *resource, void *data) {
    (void)resource;
    (void)data;
    closed++;
}

void boehm_resources_make(size_t slots) {
    GC_set_finalize_on_demand(1);
    resources = checked(GC_MALLOC_IGNORE_OFF_PAGE(slots * sizeof(void *)));
}

void boehm_resources_replace(size_t slot, uint64_t value) {
    uint64_t *resource = checked(GC_MALLOC_ATOMIC(sizeof(uint64_t)));
    *resource = value;
    GC_register_finalizer_no_order(resource, close_resource, NULL, NULL, NULL);
    resources[slot] = resource;
}

uint64_t boehm_resources_value(size_t slot) {
    return *resources[slot];
}

uint64_t boehm_resources_close(void) {
    GC_invoke_finalizers();
    uint64_t count = closed;
    closed = 0;
    return count;
}
