package transcode

const (
	secondsPerDay      = 24 * 60 * 60
	daysBeforeUnixTime = 719_468 // from 0000-03-01 to 1970-01-01
)

// timestamp reads the common shapes of RFC 3339: upper case, two digits for
// everything but the year and the fraction, and up to nine digits for that.
func (p *parser) timestamp(t *table, i int) int {
	days, i := p.date(i)
	if i < 0 || p.at(i) != 'T' {
		return irregular
	}
	hours, i := p.twoDigits(i+1, 23)
	minutes, i := p.twoDigits(p.after(':', i), 59)
	seconds, i := p.twoDigits(p.after(':', i), 59)
	nanos, i := p.fraction(i)
	offset, i := p.zone(i)
	if i < 0 || p.at(i) != '"' {
		return irregular
	}
	unix := days*secondsPerDay + hours*3600 + minutes*60 + seconds - offset
	if unix < firstTimestamp || unix > lastTimestamp {
		return irregular
	}
	p.appendTime(t, unix, nanos)
	return i + 1
}

// appendTime appends the two fields of a Timestamp or a Duration.
func (p *parser) appendTime(t *table, seconds, nanos int64) {
	if f := &t.fields[0]; seconds != 0 || f.presence {
		p.appendVarint(f.tag, uint64(seconds))
	}
	if f := &t.fields[1]; nanos != 0 || f.presence {
		p.appendVarint(f.tag, uint64(nanos))
	}
}

// date reads a quote, a year, a month and a day: the days since 1970.
func (p *parser) date(i int) (int64, int) {
	century, i := p.twoDigits(p.after('"', i), 99)
	years, i := p.twoDigits(i, 99)
	month, i := p.twoDigits(p.after('-', i), 12)
	day, i := p.twoDigits(p.after('-', i), 31)
	year := century*100 + years
	if i < 0 || month == 0 || day == 0 || day > daysIn(year, month) {
		return 0, irregular
	}
	return daysSince1970(year, month, day), i
}

// daysSince1970 counts years from March, so that leap days come last.
func daysSince1970(year, month, day int64) int64 {
	month -= 3
	if month < 0 {
		month += 12
		year--
	}
	leapDays := floorDiv(year, 4) - floorDiv(year, 100) + floorDiv(year, 400)
	return year*365 + leapDays + (153*month+2)/5 + day - 1 - daysBeforeUnixTime
}

func floorDiv(a, b int64) int64 {
	if a < 0 {
		return -((b - 1 - a) / b)
	}
	return a / b
}

func daysIn(year, month int64) int64 {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	default:
		return 31
	}
}

// zone reads Z or an offset from UTC and returns that in seconds.
func (p *parser) zone(i int) (offset int64, after int) {
	sign := int64(1)
	switch p.at(i) {
	case 'Z':
		return 0, i + 1
	case '-':
		sign = -1
	case '+':
	default:
		return 0, irregular
	}
	hours, i := p.twoDigits(i+1, 23)
	minutes, i := p.twoDigits(p.after(':', i), 59)
	return sign * (hours*3600 + minutes*60), i
}

// after is the index after that character, if it is there.
func (p *parser) after(c byte, i int) int {
	if p.at(i) != c {
		return irregular
	}
	return i + 1
}

// twoDigits reads a number of two digits up to that limit.
func (p *parser) twoDigits(i int, limit byte) (int64, int) {
	tens, ones := p.at(i)-'0', p.at(i+1)-'0'
	if i < 0 || tens > 9 || ones > 9 || tens*10+ones > limit {
		return 0, irregular
	}
	return int64(tens*10 + ones), i + 2
}

// fraction reads a dot and one to nine digits, if there are any, as
// billionths.
func (p *parser) fraction(i int) (nanos int64, after int) {
	if p.at(i) != '.' {
		return 0, i
	}
	start := i + 1
	end := p.digitsEnd(start)
	if end == start || end > start+9 {
		return 0, irregular
	}
	for i = start; i < start+9; i++ {
		nanos *= 10
		if i < end {
			nanos += int64(p.in[i] - '0')
		}
	}
	return nanos, end
}

// duration reads seconds, as protobuf writes them: "-1.5s".
func (p *parser) duration(t *table, i int) int {
	n, i := p.digits(p.after('"', i))
	if i < 0 || n.magnitude > longestDuration {
		return irregular
	}
	nanos, i := p.fraction(i)
	if i < 0 || p.at(i) != 's' || p.at(i+1) != '"' {
		return irregular
	}
	seconds := int64(n.magnitude)
	if n.negative {
		seconds, nanos = -seconds, -nanos
	}
	p.appendTime(t, seconds, nanos)
	return i + 2
}
