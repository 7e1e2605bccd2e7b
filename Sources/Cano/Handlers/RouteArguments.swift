// SPDX-License-Identifier: Apache-2.0 OR MIT

/// What the handler `route` needs to know; it works on the context alone and every worker has it.
package struct RouteArguments: HandlerArguments {
    package static var handler: String { "route" }

    /// A router: which state follows.
    package var route: [RouteRule]?
    /// An expansion: where the list of items is in the context, as a JSON pointer.
    package var over: String?

    /// The input of a child: where the child's context is in the context, as a JSON pointer.
    package var pick: String?

    package init(route: [RouteRule]? = nil, over: String? = nil, pick: String? = nil) {
        self.route = route
        self.over = over
        self.pick = pick
    }
}
