//! The corpora of the fuzz targets, replayed: as they are, cut at every place, and changed at random. Every parser
//! answers everything, and takes memory by what is there, not by what is claimed.
//!
//! `cargo test -p hmaster-tests --test fuzz_corpora` needs neither libFuzzer nor Java. The seeds that hmaster itself can
//! write are written anew by the ignored test `make_seeds`.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[path = "fuzz_corpora/seeds.rs"]
mod seeds;
#[path = "../../fuzz/src/targets.rs"]
#[allow(unreachable_pub, reason = "they are public in the library of the fuzz targets")]
mod targets;

use targets::{ALL, Target};

/// Beyond a multiple of the input: compressed blocks grow, and every reader has buffers.
const MEMORY_BYTES_MAX: usize = 48 << 20;
/// What libFuzzer calls a hang, for inputs of a few KB.
const TAKES_MAX: Duration = Duration::from_secs(10);

struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    let held = HELD.get() + bytes;
    HELD.set(held);
    PEAK.set(PEAK.get().max(held));
}

#[expect(unsafe_code, reason = "how much memory is asked for can't be told otherwise; all is passed on")]
// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name)
}

/// The files of a corpus by name.
fn inputs(name: &str) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(corpus(name)).unwrap_or_else(|error| panic!("corpus of {name}: {error}"));
    let mut inputs: Vec<_> = files
        .map(|file| {
            let path = file.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap())
        })
        .collect();
    inputs.sort();
    inputs
}

/// What the target says to an input; panics with the input if it panics, hangs or wants too much memory.
fn run(target: Target, what: &str, data: &[u8]) -> bool {
    PEAK.set(HELD.get());
    let (before, started) = (HELD.get(), Instant::now());
    let outcome = catch_unwind(AssertUnwindSafe(|| target(data)));
    let taken = usize::try_from(PEAK.get() - before).unwrap_or(0);
    let accepted = outcome.unwrap_or_else(|_| panic!("{what} panics: {data:02x?}"));
    assert!(taken < MEMORY_BYTES_MAX + 100 * data.len(), "{what} takes {taken} bytes: {data:02x?}");
    assert!(started.elapsed() < TAKES_MAX, "{what} takes {:?}: {data:02x?}", started.elapsed());
    accepted
}

#[test]
fn every_target_has_a_file_and_a_corpus_of_both_kinds() {
    let manifest = std::fs::read_to_string(corpus("../Cargo.toml")).unwrap();
    let (mut bytes, mut wrong) = (0, Vec::new());
    for (name, target) in ALL {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is missing in fuzz/Cargo.toml");
        assert!(corpus(&format!("../fuzz_targets/{name}.rs")).is_file(), "{name}");
        let inputs = inputs(name);
        bytes += inputs.iter().map(|(_, data)| data.len()).sum::<usize>();
        for (file, data) in &inputs {
            let what = format!("{name}/{file}");
            if run(target, &what, data) == file.starts_with("bad") {
                wrong.push(what);
            }
        }
        let good = inputs.iter().filter(|(file, _)| !file.starts_with("bad")).count();
        assert!(good > 0 && good < inputs.len(), "{name}: {good} of {} inputs are right", inputs.len());
    }
    assert!(wrong.is_empty(), "not taken as their names say: {wrong:?}");
    assert!(bytes < 300_000, "{bytes} bytes");
}

/// Longer inputs at fewer places.
#[test]
fn cut_anywhere() {
    for (name, target) in ALL {
        for (file, data) in inputs(name) {
            let step = 1 + data.len() / 300;
            for cut in (0..data.len()).step_by(step) {
                run(target, &format!("{name}/{file} cut at {cut}"), &data[..cut]);
            }
        }
    }
}

#[test]
fn changed_at_random() {
    let mut rng = fastrand::Rng::with_seed(7);
    for (name, target) in ALL {
        let inputs = inputs(name);
        for round in 0..2000 {
            let (file, data) = &inputs[rng.usize(0..inputs.len())];
            let changed = change(data.clone(), &inputs[rng.usize(0..inputs.len())].1, &mut rng);
            run(target, &format!("{name}/{file}, round {round}"), &changed);
        }
    }
}

/// A few of the changes that fuzzers make.
fn change(mut data: Vec<u8>, other: &[u8], rng: &mut fastrand::Rng) -> Vec<u8> {
    for _ in 0..rng.usize(1..4) {
        let at = rng.usize(0..=data.len());
        match rng.u8(0..7) {
            0 => data.insert(at, rng.u8(..)),
            1 => drop(data.drain(at..(at + rng.usize(0..9)).min(data.len()))),
            2 => drop(data.splice(at.., other[rng.usize(0..=other.len())..].iter().copied())),
            3 => {
                let number = [0i32, -1, 1, i32::MAX, i32::MIN, 0x1000_0000][rng.usize(0..6)];
                let end = (at + 4).min(data.len());
                data[at..end].copy_from_slice(&number.to_be_bytes()[..end - at]);
            }
            4 if at < data.len() => data[at] = [0, 1, 0x7f, 0x80, 0xff][rng.usize(0..5)],
            _ if at < data.len() => data[at] ^= 1 << rng.u8(0..8),
            _ => {}
        }
    }
    data
}

#[test]
#[ignore = "writes files"]
fn make_seeds() {
    for (target, name, data) in seeds::all() {
        std::fs::create_dir_all(corpus(target)).unwrap();
        std::fs::write(corpus(target).join(name), data).unwrap();
    }
}
