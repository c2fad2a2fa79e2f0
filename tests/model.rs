#![cfg(not(target_arch = "wasm32"))]

use vitrine::model::Kernel;

#[test]
fn two_forks_make_two_processes() {
    assert_eq!(Kernel::default().fork().fork().pids().len(), 2);
}
