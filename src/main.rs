fn main() {
    #[cfg(target_arch = "wasm32")]
    vitrine::ui::run();
}
