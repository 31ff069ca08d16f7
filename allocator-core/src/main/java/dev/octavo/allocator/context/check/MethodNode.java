package dev.octavo.allocator.context.check;

import java.lang.classfile.ClassFile;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// One method, as its class file has it. Two are equal if they are the same object: there is one
/// for each method.
final class MethodNode {

  static final int NO_LINE = -1;

  static final Comparator<MethodNode> BY_NAME =
      Comparator.comparing(MethodNode::toString).thenComparing(it -> it.signature);

  final String owner;
  final String signature;
  final int flags;

  /// Whether it is marked so, itself or by its type.
  final boolean mightSleep;

  /// Whether it is marked so, itself or by its type.
  final boolean isAtomic;

  /// Null for a class whose code is not looked at.
  final @Nullable Body body;

  /// What the code of a method of an analysed class does.
  ///
  /// @param sourceFile as a stack trace names it
  /// @param calls in the order of the code
  /// @param entersMonitor whether it is synchronized or has a synchronized block
  /// @param monitorLine where, or -1
  record Body(
      @Nullable String sourceFile, List<Call> calls, boolean entersMonitor, int monitorLine) {}

  MethodNode(
      String owner,
      String signature,
      int flags,
      boolean mightSleep,
      boolean isAtomic,
      @Nullable Body body) {
    this.owner = owner;
    this.signature = signature;
    this.flags = flags;
    this.mightSleep = mightSleep;
    this.isAtomic = isAtomic;
    this.body = body;
  }

  /// A method of a class that was not found.
  static MethodNode unseen(String owner, String signature) {
    return new MethodNode(owner, signature, 0, false, false, null);
  }

  /// Whether its code is part of what is analysed.
  boolean isAnalysed() {
    return body != null;
  }

  /// Whether it opens an atomic section and makes calls in it.
  boolean hasSections() {
    return body != null
        && body.calls.stream().anyMatch(call -> call.section() == Sections.Kind.ENTERED);
  }

  boolean is(int flag) {
    return (flags & flag) != 0;
  }

  /// Made by the compiler: the body of a lambda, or an accessor.
  boolean isHelper() {
    return is(ClassFile.ACC_SYNTHETIC) && !is(ClassFile.ACC_BRIDGE);
  }

  boolean isBridge() {
    return is(ClassFile.ACC_BRIDGE);
  }

  boolean isAbstract() {
    return is(ClassFile.ACC_ABSTRACT);
  }

  boolean isInitializer() {
    return signature.startsWith("<");
  }

  /// Whether a subtype may have one that runs instead of it.
  boolean isOverridable() {
    return !is(ClassFile.ACC_STATIC | ClassFile.ACC_PRIVATE | ClassFile.ACC_FINAL)
        && !isInitializer();
  }

  /// Whether subtypes have it, too.
  boolean isInherited() {
    return !is(ClassFile.ACC_STATIC | ClassFile.ACC_PRIVATE) && !isInitializer();
  }

  String name() {
    return signature.substring(0, signature.indexOf('('));
  }

  /// The simple names of the parameters' types, `long, TimeUnit`.
  String parameters() {
    return parameters(signature);
  }

  static String parameters(String signature) {
    return MethodTypeDesc.ofDescriptor(signature.substring(signature.indexOf('(')))
        .parameterList()
        .stream()
        .map(ClassDesc::displayName)
        .collect(Collectors.joining(", "));
  }

  /// A line as in a stack trace, `com.example.Handler.onRead(Handler.java:42)`.
  String at(int line) {
    String file = body == null ? null : body.sourceFile();
    return new StackTraceElement(owner, name(), file, line).toString();
  }

  /// As a document would name it, `com.example.Handler.onRead(long)`.
  @Override
  public String toString() {
    return owner + "." + name() + "(" + parameters() + ")";
  }
}
