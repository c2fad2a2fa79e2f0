//! The page in the browser, the command line elsewhere.
#![forbid(unsafe_code)]

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    let status = vitrine::cli::run(std::env::args_os().skip(1), &mut out, &mut err);
    std::process::ExitCode::from(status.code())
}

#[cfg(target_arch = "wasm32")]
fn main() {
    vitrine::ui::run();
}
