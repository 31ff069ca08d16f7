package dev.octavo.allocator.context.check;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// One class, as its class file has it. Names are binary ones, `com.example.Outer$Inner`.
///
/// @param name its own
/// @param superclass null for `Object` and for modules
/// @param interfaces the direct ones
/// @param methods those it declares, by signature
record ClassNode(
    String name,
    @Nullable String superclass,
    List<String> interfaces,
    Map<String, MethodNode> methods) {}
