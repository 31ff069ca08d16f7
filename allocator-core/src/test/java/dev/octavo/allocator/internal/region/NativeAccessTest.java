package dev.octavo.allocator.internal.region;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import org.junit.jupiter.api.Test;

/// What is said before a system call is made that does not exist or may not be made.
class NativeAccessTest {

  @Test
  void aDenialNamesBothFlags() {
    assertThat(
            NativeAccess.denial(
                "anonymous mapping", ClassLoader.getSystemClassLoader().getUnnamedModule()))
        .isEqualTo(
            "anonymous mapping needs native access, which is denied: module=unnamed, "
                + "flag on the class path=--enable-native-access=ALL-UNNAMED, "
                + "flag on the module path=--enable-native-access=dev.octavo.allocator");
    assertThat(NativeAccess.denial("x", Object.class.getModule())).contains("module=java.base,");
  }

  @Test
  void onlyKnownSystemsAreSupported() {
    assertThat(NativeAccess.isSupported("Linux", "amd64")).isTrue();
    assertThat(NativeAccess.isSupported("Linux", "aarch64")).isTrue();
    assertThat(NativeAccess.isSupported("Linux", "mips64")).isFalse();
    assertThat(NativeAccess.isSupported("Windows 11", "amd64")).isFalse();
    assertThat(NativeAccess.unsupported("anonymous mapping", "Windows 11", "amd64"))
        .isEqualTo(
            "anonymous mapping is not supported here: os=Windows 11, arch=amd64, "
                + "supported=Linux on amd64, aarch64, riscv64");
  }

  @Test
  void nodesAreReadAsTheKernelWritesThem() {
    assertThat(NumaNodes.parse("0\n").count()).isEqualTo(1);
    assertThat(NumaNodes.parse("\n").count()).isZero();
    BitSet expected = new BitSet();
    expected.set(0, 4);
    expected.set(8);
    expected.set(64, 66);
    NumaNodes nodes = NumaNodes.parse("0-3,8,64-65\n");
    assertThat(nodes.set()).isEqualTo(expected);
    assertThat(nodes.bits()).containsExactly(0x10F, 3);
  }
}
