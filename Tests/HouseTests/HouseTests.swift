// SPDX-License-Identifier: Apache-2.0 OR MIT

import Foundation
import Testing

@Suite("House")
struct HouseTests {
    @Test("the repository keeps every rule of the house")
    func repository() throws {
        // Tests/HouseTests/HouseTests.swift, three steps below the root
        let here = URL(filePath: #filePath).resolvingSymlinksInPath()
        let root = here.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let tree = Tree(root: root)
        #expect(try tree.paths().count > 50, "the repository is not at \(root.path)")
        for violation in try tree.violations() { Issue.record("\(violation)") }
    }

    @Test("a room builds only on rooms of earlier rows")
    func rows() {
        for (row, room) in House.rooms.enumerated() {
            let earlier = Set(House.rooms.prefix(row).map(\.name))
            #expect(House.reach(of: room).isSubset(of: earlier), "\(room.name)")
        }
    }
}
