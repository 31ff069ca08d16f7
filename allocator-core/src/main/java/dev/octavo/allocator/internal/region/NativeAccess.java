package dev.octavo.allocator.internal.region;

import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Whether the system's memory calls exist here, and may be made.
///
/// Looks before anything is called, so that a refusal changes nothing, names the flag, and the JVM
/// has nothing to warn of: a JVM started without the flag counts as one that denies, although this
/// one would only warn (JEP 472).
public final class NativeAccess {

  /// Where Linux has the same constants (asm-generic) and we know the number of `mbind`.
  private static final List<String> ARCHITECTURES = List.of("amd64", "aarch64", "riscv64");

  private static final List<String> SYMBOLS =
      List.of("mmap", "munmap", "mprotect", "madvise", "syscall", "strerror");

  private NativeAccess() {}

  /// Lets the caller go on if the calls may be made.
  ///
  /// @param what who needs the calls, for the message
  /// @throws UnsupportedOperationException if this system does not have them
  /// @throws IllegalCallerException if this module may not make them
  public static void check(String what) {
    String os = System.getProperty("os.name");
    String arch = System.getProperty("os.arch");
    if (!isSupported(os, arch) || missingSymbol() != null) {
      throw new UnsupportedOperationException(unsupported(what, os, arch));
    }
    if (!isGranted()) {
      throw new IllegalCallerException(denial(what, NativeAccess.class.getModule()));
    }
  }

  static boolean isUsable() {
    return isSupported(System.getProperty("os.name"), System.getProperty("os.arch"))
        && isGranted()
        && missingSymbol() == null;
  }

  private static boolean isGranted() {
    return NativeAccess.class.getModule().isNativeAccessEnabled();
  }

  static boolean isSupported(String os, String arch) {
    return os.equals("Linux") && ARCHITECTURES.contains(arch);
  }

  private static @Nullable String missingSymbol() {
    SymbolLookup symbols = Linker.nativeLinker().defaultLookup();
    return SYMBOLS.stream().filter(name -> symbols.find(name).isEmpty()).findFirst().orElse(null);
  }

  static String unsupported(String what, String os, String arch) {
    return what
        + " is not supported here: os="
        + os
        + ", arch="
        + arch
        + ", supported=Linux on "
        + String.join(", ", ARCHITECTURES);
  }

  static String denial(String what, Module module) {
    return what
        + " needs native access, which is denied: module="
        + (module.isNamed() ? module.getName() : "unnamed")
        + ", flag on the class path=--enable-native-access=ALL-UNNAMED"
        + ", flag on the module path=--enable-native-access=dev.octavo.allocator";
  }
}
