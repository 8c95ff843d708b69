package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dop251/goja"
)

var errNeverSettled = errors.New("the test waits for what never comes")

// A rejection is the reason of a promise that was rejected, with its stack if it has one.
type rejection struct{ reason goja.Value }

func (r rejection) Error() string {
	if object, is := r.reason.(*goja.Object); is {
		if stack := object.Get("stack"); stack != nil && !goja.IsUndefined(stack) {
			return stack.String()
		}
	}
	return r.reason.String()
}

// The same sources make the same bytes: that is why the page can be compared.
func TestBundleIsDeterministic(t *testing.T) {
	one, err := bundle()
	if err != nil {
		t.Fatal(err)
	}
	two, err := bundle()
	if err != nil {
		t.Fatal(err)
	}
	if !maps.EqualFunc(one, two, bytes.Equal) {
		t.Error("two bundles of the same sources differ")
	}
	for _, name := range []string{"app.js", "app.css", "index.html", "icon.svg", "licences.txt"} {
		if len(one[name]) == 0 {
			t.Errorf("no %s", name)
		}
	}
}

// The page's policy allows no style and no script in its HTML.
func TestPageNeedsNoException(t *testing.T) {
	files, err := bundle()
	if err != nil {
		t.Fatal(err)
	}
	for _, forbidden := range []string{"<style", " style=", " onclick=", "<script>", "http://", "https://"} {
		if strings.Contains(string(files["index.html"]), forbidden) {
			t.Errorf("index.html has %s", forbidden)
		}
	}
	for _, name := range packages() {
		if !strings.Contains(string(files["licences.txt"]), "\n"+name+"\n") {
			t.Errorf("licences.txt has no licence of %s", name)
		}
	}
}

// A difference is named, with what to do.
func TestCompare(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("same", "1")
	write("other", "1")
	write("extra", "1")
	err := compare(map[string][]byte{"same": []byte("1"), "other": []byte("2"), "missing": []byte("3")}, folder)
	if err == nil {
		t.Fatal("no difference was found")
	}
	for _, want := range []string{"other is not what ui/src makes", "missing is missing", "extra has no source", "make ui"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: expected %q in it", err, want)
		}
	}
	if strings.Contains(err.Error(), "same") {
		t.Errorf("%v: nothing is wrong with same", err)
	}
	if err := compare(map[string][]byte{"same": []byte("1"), "other": []byte("1"), "extra": []byte("1")}, folder); err != nil {
		t.Error(err)
	}
}

// archive returns an npm package with files.
func archive(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var to bytes.Buffer
	zipped := gzip.NewWriter(&to)
	all := tar.NewWriter(zipped)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		header := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name])), Typeflag: tar.TypeReg}
		if err := all.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := all.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(all.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return to.Bytes()
}

func TestIntegrity(t *testing.T) {
	text := []byte("a package")
	sum := sha512.Sum512(text)
	good := "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
	for _, one := range []struct{ text, integrity, wrong string }{
		{"a package", good, ""},
		{"another", good, "this is not the package that was locked"},
		{"a package", strings.Replace(good, "sha512", "sha1", 1), "expected sha512-"},
		{"a package", "", "expected sha512-"},
	} {
		err := checkIntegrity([]byte(one.text), one.integrity)
		if one.wrong == "" && err != nil || one.wrong != "" && (err == nil || !strings.Contains(err.Error(), one.wrong)) {
			t.Errorf("%q with %q: %v, expected %q", one.text, one.integrity, err, one.wrong)
		}
	}
}

func TestUnpack(t *testing.T) {
	whole := map[string]string{"package/LICENSE": "free", "package/package.json": "{}", "package/dist/htm.module.js": "code",
		"package/README.md": "words", "package/../../evil": "no"}
	files := map[string][]byte{}
	if err := unpack(archive(t, whole), "htm", files); err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, []string{"htm/LICENSE", "htm/dist/htm.module.js",
		"htm/package.json"}) {
		t.Errorf("unpacked %v: expected only what the page needs", got)
	}
	delete(whole, "package/LICENSE")
	if err := unpack(archive(t, whole), "htm", files); err == nil || !strings.Contains(err.Error(), "LICENSE") {
		t.Errorf("%v: expected the missing file's name", err)
	}
	if err := unpack([]byte("not an archive"), "htm", files); err == nil {
		t.Error("no error for what is no archive")
	}
}

// What is in sources/ is what the lock file names, as far as its version shows that.
func TestSourcesAreLocked(t *testing.T) {
	locked, err := readLock("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range packages() {
		text, err := os.ReadFile(filepath.Join("sources", name, "package.json"))
		if err != nil {
			t.Fatal(err)
		}
		if version := `"version": "` + locked.Packages["node_modules/"+name].Version + `"`; !strings.Contains(string(text), version) {
			t.Errorf("sources/%s: expected %s, as package-lock.json says: run go run . -fetch", name, version)
		}
	}
}
