// SPDX-License-Identifier: Apache-2.0 OR MIT

import CanoEngine
import Testing

@Suite("Permit line")
struct PermitLineTests {
    @Test("permits go out, then people wait in order, then the line is full")
    func order() throws {
        var line = try PermitLine(permits: 1, queueLimit: 2)
        #expect(line.ask() == .granted)
        guard case .queued(let first) = line.ask(), case .queued(let second) = line.ask() else {
            return #expect(Bool(false))
        }
        #expect(line.ask() == .full)
        #expect(line.take() == false)
        #expect(line.giveBack() == first)
        #expect(line.giveBack() == second)
        #expect(line.inUse == 1)
        #expect(line.giveBack() == nil)
        #expect(line.inUse == 0)
        #expect(line.take() == true)
    }

    @Test("who leaves the line is not called, and makes room")
    func leaving() throws {
        var line = try PermitLine(permits: 1, queueLimit: 1)
        #expect(line.ask() == .granted)
        guard case .queued(let ticket) = line.ask() else { return #expect(Bool(false)) }
        #expect(line.leave(ticket) == true)
        #expect(line.leave(ticket) == false)
        #expect(line.waiting == 0)
        #expect(line.giveBack() == nil)
    }

    @Test("a line without permits, or shorter than nothing, is refused")
    func refused() {
        #expect(throws: CanoError.self) { try PermitLine(permits: 0, queueLimit: 1) }
        #expect(throws: CanoError.self) { try PermitLine(permits: 1, queueLimit: -1) }
    }

    @Test("never more out than there are, nobody forgotten, first come first served", arguments: UInt64(0)..<100)
    func stories(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var line = try PermitLine(permits: 3, queueLimit: 5)
        var out = 0
        var waiting: [PermitLine.Ticket] = []
        for _ in 0..<300 {
            switch Int.random(in: 0..<5, using: &random) {
            case 0, 1:
                switch line.ask() {
                case .granted:
                    #expect(waiting.isEmpty, "seed \(seed)")
                    out += 1
                case .queued(let ticket): waiting.append(ticket)
                case .full: #expect(waiting.count == 5, "seed \(seed)")
                }
            case 2, 3:
                guard out > 0 else { continue }
                if let next = line.giveBack() {
                    #expect(next == waiting.first, "seed \(seed)")
                    waiting.removeFirst()
                } else {
                    #expect(waiting.isEmpty, "seed \(seed)")
                    out -= 1
                }
            default:
                guard let ticket = waiting.randomElement(using: &random) else { continue }
                #expect(line.leave(ticket) == true, "seed \(seed)")
                waiting.removeAll { $0 == ticket }
            }
            #expect(line.inUse == out && out <= 3 && line.waiting == waiting.count, "seed \(seed)")
        }
    }
}
