// SPDX-License-Identifier: Apache-2.0 OR MIT

extension ZoneRules {
    /// Reads the content of a TZif file (RFC 8536), such as those under `/usr/share/zoneinfo`.
    ///
    /// Version 2 and later are read with their rule for the future; version 1 ends with its last listed change.
    ///
    /// - Parameters:
    ///   - bytes: the whole file.
    ///   - name: the zone's name, such as `Europe/Berlin`.
    /// - Throws: `invalidSchedule` when the bytes are no such file, are cut off, or count leap seconds.
    public init(tzif bytes: [UInt8], name: String) throws(CanoError) {
        do {
            var reader = Reader(bytes: bytes)
            let header = try reader.header()
            let body: Body
            if header.version >= 2 {
                try reader.skip(header.bytes(timeSize: 4))
                body = try reader.body(try reader.header(), timeSize: 8)
            } else {
                body = try reader.body(header, timeSize: 4)
            }
            let rule = header.version >= 2 ? try reader.rule() : nil
            let digest = SHA256.hash(bytes).prefix(6).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
            self.init(
                name: name,
                edition: digest.joined(),
                firstOffset: body.firstOffset,
                changes: body.changes,
                rule: rule
            )
        } catch {
            throw CanoError(
                .invalidSchedule,
                "the rules of time zone '\(name)' cannot be read: \(error.what); install the time zone database again"
            )
        }
    }

    private struct Damage: Error {
        var what: String
    }

    private struct Body {
        var firstOffset: Int64
        var changes: [Change]
    }

    private struct Header {
        var version: UInt8
        var isUTCCount: Int
        var isStandardCount: Int
        var leapCount: Int
        var timeCount: Int
        var typeCount: Int
        var characterCount: Int

        /// How long the block behind the header is.
        func bytes(timeSize: Int) -> Int {
            self.timeCount * (timeSize + 1) + self.typeCount * 6 + self.characterCount
                + self.leapCount * (timeSize + 4) + self.isStandardCount + self.isUTCCount
        }
    }

    private struct Reader {
        let bytes: [UInt8]
        var place = 0

        init(bytes: [UInt8]) {
            self.bytes = bytes
        }

        mutating func skip(_ count: Int) throws(Damage) {
            guard count <= self.bytes.count - self.place else { throw Damage(what: "the file is cut off") }
            self.place += count
        }

        /// A number in network order, with its sign.
        mutating func number(_ size: Int) throws(Damage) -> Int64 {
            let begin = self.place
            try self.skip(size)
            let first = Int64(Int8(bitPattern: self.bytes[begin]))
            return self.bytes[begin + 1..<begin + size].reduce(first) { $0 << 8 | Int64($1) }
        }

        mutating func header() throws(Damage) -> Header {
            let begin = self.place
            try self.skip(20)
            guard self.bytes[begin..<begin + 4].elementsEqual("TZif".utf8) else {
                throw Damage(what: "the file does not begin with 'TZif'")
            }
            let version = self.bytes[begin + 4]
            var counts: [Int] = []
            for _ in 0..<6 {
                let count = try self.number(4)
                guard (0...Int64(self.bytes.count)).contains(count) else { throw Damage(what: "a count is too large") }
                counts.append(Int(count))
            }
            return Header(
                version: version == 0 ? 1 : version &- UInt8(ascii: "0"),
                isUTCCount: counts[0],
                isStandardCount: counts[1],
                leapCount: counts[2],
                timeCount: counts[3],
                typeCount: counts[4],
                characterCount: counts[5]
            )
        }

        mutating func body(_ header: Header, timeSize: Int) throws(Damage) -> Body {
            guard header.leapCount == 0 else { throw Damage(what: "it counts leap seconds, which no clock here does") }
            guard header.typeCount > 0 else { throw Damage(what: "it has no offset") }
            let end = self.place + header.bytes(timeSize: timeSize)
            guard end <= self.bytes.count else { throw Damage(what: "the file is cut off") }
            var times: [Int64] = []
            for _ in 0..<header.timeCount { times.append(try self.number(timeSize)) }
            let types = self.bytes[self.place..<self.place + header.timeCount]
            try self.skip(header.timeCount)
            var offsets: [Int64] = []
            for _ in 0..<header.typeCount {
                let offset = try self.number(4)
                guard abs(offset) < 26 * 3600 else { throw Damage(what: "an offset of \(offset) s is too large") }
                offsets.append(offset)
                try self.skip(2)
            }
            self.place = end
            var changes: [Change] = []
            for (time, type) in zip(times, types) {
                guard Int(type) < offsets.count else { throw Damage(what: "a change has no offset") }
                guard changes.last.map({ $0.at < time }) ?? true else { throw Damage(what: "changes are out of order") }
                changes.append(Change(at: time, offset: offsets[Int(type)]))
            }
            return Body(firstOffset: offsets[0], changes: changes)
        }

        /// The line at the end; an empty one means that nothing is known of the future.
        mutating func rule() throws(Damage) -> PosixZoneRule? {
            let line = self.bytes[self.place...]
            guard line.first == 0x0A, let end = line.dropFirst().firstIndex(of: 0x0A) else {
                throw Damage(what: "the rule at its end is missing")
            }
            let text = line[line.startIndex + 1..<end]
            guard !text.isEmpty else { return nil }
            guard let rule = PosixZoneRule(text) else {
                throw Damage(what: "the rule '\(String(decoding: text, as: UTF8.self))' at its end is not understood")
            }
            return rule
        }
    }
}
