//! The page in the browser, the command line elsewhere.

fn main() {
    #[cfg(target_arch = "wasm32")]
    vitrine::ui::run();
}
