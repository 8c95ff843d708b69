package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// largest is how many bytes an npm package may have, and each file of it.
const largest = 32 << 20

// A lock is package-lock.json, as far as it says where a package is and what its hash is.
type lock struct {
	Packages map[string]struct{ Version, Resolved, Integrity string }
}

func readLock(file string) (locked lock, err error) {
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &locked)
	}
	if err != nil {
		return lock{}, fmt.Errorf("%s: %w", file, err)
	}
	return locked, nil
}

// fetchSources gets the npm packages of a lock file, checks their hashes, and replaces a folder by the files of them that the
// page needs.
func fetchSources(lockFile, to string) error {
	locked, err := readLock(lockFile)
	if err != nil {
		return err
	}
	files := map[string][]byte{}
	for _, name := range packages() {
		entry, ok := locked.Packages["node_modules/"+name]
		if !ok {
			return fmt.Errorf("%s: expected an entry node_modules/%s, since bundle.go imports that package", lockFile, name)
		}
		archive, err := download(entry.Resolved)
		if err == nil {
			err = checkIntegrity(archive, entry.Integrity)
		}
		if err == nil {
			err = unpack(archive, name, files)
		}
		if err != nil {
			return fmt.Errorf("%s %s: %w", name, entry.Version, err)
		}
		fmt.Println(name, entry.Version)
	}
	// Only when all is here: half of the files would be none.
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	for file, text := range files {
		file = filepath.Join(to, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func download(url string) ([]byte, error) {
	if !strings.HasPrefix(url, "https://") {
		return nil, fmt.Errorf("resolved: expected an address that begins with https://, got %q", url)
	}
	client := http.Client{Timeout: 2 * time.Minute}
	answer, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: expected the package, got %s", url, answer.Status)
	}
	return io.ReadAll(io.LimitReader(answer.Body, largest))
}

// checkIntegrity returns an error if an archive does not have the hash of the lock file.
func checkIntegrity(archive []byte, integrity string) error {
	want, ok := strings.CutPrefix(integrity, "sha512-")
	if !ok {
		return fmt.Errorf("integrity: expected sha512-..., got %q", integrity)
	}
	hash := sha512.Sum512(archive)
	if got := base64.StdEncoding.EncodeToString(hash[:]); got != want {
		return fmt.Errorf("expected the hash sha512-%s, got sha512-%s: this is not the package that was locked", want, got)
	}
	return nil
}

// unpack adds the files of an npm package that the page needs: its licence, its package.json, and what is in libraries.
func unpack(archive []byte, name string, files map[string][]byte) error {
	wanted := []string{name + "/LICENSE", name + "/package.json"}
	for _, file := range libraries {
		if strings.HasPrefix(file, name+"/") {
			wanted = append(wanted, file)
		}
	}
	plain, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return err
	}
	for from := tar.NewReader(plain); ; {
		header, err := from.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		_, inside, _ := strings.Cut(header.Name, "/") // the first folder is called package, or anything
		file := path.Join(name, inside)
		if at := slices.Index(wanted, file); at >= 0 && header.Typeflag == tar.TypeReg {
			if files[file], err = io.ReadAll(io.LimitReader(from, largest)); err != nil {
				return err
			}
			wanted = slices.Delete(wanted, at, at+1)
		}
	}
	if len(wanted) > 0 {
		return fmt.Errorf("the package has no %s", strings.Join(wanted, ", "))
	}
	return nil
}
