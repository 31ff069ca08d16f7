/// The property-test kit: a naive model of the allocator, and programs that compare the two.
///
/// - [dev.octavo.allocator.model.ReferencePages]: the model; it predicts the page of every
///   allocation.
/// - [dev.octavo.allocator.model.ComparedPages]: the allocator and the model side by side.
/// - [dev.octavo.allocator.model.Step], [dev.octavo.allocator.model.Program],
///   [dev.octavo.allocator.model.Programs]: random programs that shrink.
/// - [dev.octavo.allocator.model.PathsReached]: what a run has come across.
@NullMarked
package dev.octavo.allocator.model;

import org.jspecify.annotations.NullMarked;
