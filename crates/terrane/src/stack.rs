//! The first level: a stack for each thread and system.

use std::{
    cell::RefCell,
    rc::Rc,
    sync::{Arc, Weak},
};

use terrane_arena::StackArena;
use terrane_base::Bytes;

use crate::{Result, system::Shared};

/// The stack of this thread for one system.
struct ThreadStack {
    system: Weak<Shared>,
    stack: Rc<StackArena>,
}

std::thread_local! {
    static STACKS: RefCell<Vec<ThreadStack>> = const { RefCell::new(Vec::new()) };
}

/// Runs `work` with the thread's stack for that system; calls within calls share it.
pub(crate) fn with<R>(system: &Arc<Shared>, work: impl FnOnce(&StackArena) -> R) -> Result<R> {
    let stack = match own_stack(system) {
        Some(stack) => stack,
        None => new_stack(system)?,
    };
    let result = work(&stack);
    forget_leftovers(system, stack);
    Ok(result)
}

fn own_stack(system: &Arc<Shared>) -> Option<Rc<StackArena>> {
    let found = STACKS.try_with(|stacks| {
        let stacks = stacks.borrow();
        stacks.iter().find(|own| own.is_of(system)).map(|own| Rc::clone(&own.stack))
    });
    found.ok().flatten()
}

fn new_stack(system: &Arc<Shared>) -> Result<Rc<StackArena>> {
    let size = Bytes::new(system.config.stack_size);
    system.stacks.try_charge(size)?;
    let own = ThreadStack { system: Arc::downgrade(system), stack: Rc::new(StackArena::with_capacity(size)) };
    let stack = Rc::clone(&own.stack);
    // A thread that is about to end keeps nothing: the charge is taken back here.
    let _ = STACKS.try_with(|stacks| {
        let mut stacks = stacks.borrow_mut();
        stacks.retain(|stack| stack.system.strong_count() > 0);
        stacks.push(own);
    });
    Ok(stack)
}

/// A box that was forgotten stays on its stack: after the outermost call there is a new one.
fn forget_leftovers(system: &Arc<Shared>, stack: Rc<StackArena>) {
    let is_outermost = Rc::strong_count(&stack) <= 2;
    if is_outermost && stack.used_bytes() > 0 {
        let fresh = Rc::new(StackArena::with_capacity(Bytes::new(system.config.stack_size)));
        let _ = STACKS.try_with(|stacks| {
            if let Some(own) = stacks.borrow_mut().iter_mut().find(|own| own.is_of(system)) {
                own.stack = fresh;
            }
        });
    }
}

impl ThreadStack {
    fn is_of(&self, system: &Arc<Shared>) -> bool {
        Weak::as_ptr(&self.system) == Arc::as_ptr(system)
    }
}

impl Drop for ThreadStack {
    fn drop(&mut self) {
        if let Some(system) = self.system.upgrade() {
            system.stacks.discharge(Bytes::new(system.config.stack_size));
        }
    }
}
