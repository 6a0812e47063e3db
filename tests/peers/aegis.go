// What Go's own libraries say of zip files and JSON: an Aegis host is written in Go. Frames of four bytes of length (little
// endian) and that many bytes come on standard input; a line goes out for each.
package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

const limit = 1 << 20

func main() {
	judge := map[string]func([]byte) string{"zip": archive, "json": canonical, "inflate": inflated}[os.Args[1]]
	if os.Args[1] == "make" {
		os.Stdout.Write(made())
		return
	}
	in, out := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for {
		var length uint32
		if err := binary.Read(in, binary.LittleEndian, &length); err != nil {
			return
		}
		frame := make([]byte, length)
		if _, err := io.ReadFull(in, frame); err != nil {
			panic(err)
		}
		fmt.Fprintln(out, judge(frame))
	}
}

func archive(data []byte) string {
	read, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return "error"
	}
	said := []string{"ok"}
	for _, file := range read.File {
		said = append(said, hex.EncodeToString([]byte(file.Name))+":"+contents(file))
	}
	return strings.Join(said, " ")
}

func contents(file *zip.File) string {
	if file.UncompressedSize64 > limit {
		return "large"
	}
	opened, err := file.Open()
	if err != nil {
		return "closed"
	}
	defer opened.Close()
	data, err := io.ReadAll(io.LimitReader(opened, limit+1))
	if err != nil {
		return "unreadable"
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func inflated(data []byte) string {
	unpacked, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(data)), limit+1))
	if err != nil {
		return "refused"
	}
	sum := sha256.Sum256(unpacked)
	return fmt.Sprintf("%d %s", len(unpacked), hex.EncodeToString(sum[:]))
}

func canonical(data []byte) string {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return "error"
	}
	out, err := json.Marshal(value)
	if err != nil {
		return "error"
	}
	return hex.EncodeToString(out)
}

// An archive as Go's writer makes one: data descriptors, a directory, stored and deflated, extra fields, comments.
func made() []byte {
	var out bytes.Buffer
	writer := zip.NewWriter(&out)
	for _, name := range []string{"manifest.json", "bin/", "bin/linux-amd64/x"} {
		file, _ := writer.Create(name)
		if !strings.HasSuffix(name, "/") {
			file.Write(bytes.Repeat([]byte(name+"\n"), 40))
		}
	}
	raw, _ := writer.CreateHeader(&zip.FileHeader{Name: "bin/stored", Method: zip.Store, Comment: "c", Extra: []byte{1, 0, 0, 0}})
	raw.Write([]byte("stored"))
	writer.SetComment("an archive")
	writer.Close()
	return out.Bytes()
}
