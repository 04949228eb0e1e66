//! A graph of documents with notes on the side: a weak map for the notes, a finalizer queue for files to be closed,
//! interned names.
//!
//! The editor forgets documents simply by dropping references to them. Their notes go with them, though the notes refer
//! back to the documents; and each document that went is seen once more, to close its file.

use terrane_base::Bytes;
use terrane_gc::{
    FinalizerQueue, Gc, GcString, GcVec, Heap, HeapConfig, InternTable, Local, Mutator, Trace, WeakMap,
};

#[derive(Trace)]
struct Document<'h, 'm> {
    name: GcString<'h, 'm>,
    file: u32,
    links: GcVec<'h, 'm, Gc<'h, 'm, Document<'h, 'm>>>,
}

#[derive(Trace)]
struct Note<'h, 'm> {
    text: String,
    about: Gc<'h, 'm, Document<'h, 'm>>,
}

type Documents = Document<'static, 'static>;
type Notes = Note<'static, 'static>;

struct Editor {
    notes: WeakMap<Documents, Notes>,
    closing: FinalizerQueue<Documents>,
    names: InternTable,
    open_files: u32,
}

impl Editor {
    fn new(mu: &Mutator<'_, '_>) -> Self {
        Self {
            notes: WeakMap::new(mu),
            closing: FinalizerQueue::new(mu),
            names: InternTable::new(),
            open_files: 0,
        }
    }

    fn open<'h, 's>(&mut self, mu: &mut Mutator<'h, 's>, name: &str) -> Local<'h, 's, Documents> {
        mu.safepoint();
        let document = mu.alloc(Document {
            name: self.names.intern(mu, name),
            file: self.open_files,
            links: GcVec::new(),
        });
        self.open_files += 1;
        self.closing.watch(mu, document);
        let text = format!("opened as number {}", document.file);
        self.notes.insert(mu, document, mu.alloc(Note { text, about: document }));
        mu.root(document)
    }

    /// Closes the files of documents that nobody refers to; answers how many.
    fn close_files(&mut self, mu: &Mutator<'_, '_>) -> u32 {
        let mut closed = 0;
        while let Some(document) = self.closing.pop(mu) {
            closed += u32::from(!document.name.is_empty());
        }
        self.open_files -= closed;
        closed
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut heap = Heap::with_config(HeapConfig::new().limit(Bytes::from_mib(64)))?;
    heap.enter(|mu| {
        let mut editor = Editor::new(mu);
        let index = editor.open(mu, "index");
        for chapter in 0..1000 {
            mu.scope(|mu| {
                let document = editor.open(mu, &format!("chapter {}", chapter % 100));
                let (document, index) = (document.get(mu), index.get(mu));
                document.links.push(mu, index);
                if chapter % 10 == 0 {
                    index.links.push(mu, document);
                }
            });
        }
        let freed = mu.collect_full();
        let closed = editor.close_files(mu);
        println!("{closed} of 1001 documents forgotten, {freed} freed");
        assert_eq!((closed, editor.open_files), (900, 101));

        let kept = index.get(mu).links.get(7).expect("the index links 100 chapters");
        let note = editor.notes.get(mu, kept).expect("a note for each document that is kept");
        println!("{}: {}", kept.name, note.text);
        assert!(note.about.same(kept) && kept.name.same(editor.names.intern(mu, "chapter 70")));
    });
    println!("{}", heap.handle_stats());
    Ok(())
}
