//! The pure model under wasm32: needs no DOM, so it runs in Node and in a browser.
#![cfg(target_arch = "wasm32")]

use vitrine::model::Kernel;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
fn fork_works_on_wasm() {
    assert_eq!(Kernel::default().fork().pids(), [1]);
}
