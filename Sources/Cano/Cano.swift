// SPDX-License-Identifier: Apache-2.0 OR MIT

// Whoever writes `import Cano` needs the engine's vocabulary too: policies, identities, errors. Where both modules have
// a name, such as `BranchResult`, the one of `Cano` is meant.
@_exported public import CanoEngine
